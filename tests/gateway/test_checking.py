"""May this call be made. What is refused and how it is told: `tests/gateway/test_calls.py`."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway import calls, errors
from gateway.checking import Wish
from gateway.models import Door

pytestmark = pytest.mark.django_db


def test_an_unknown_tool_costs_the_same_queries_as_a_forbidden_one(cast, upstream):
    asker, cost = cast.asker(cast.dev), {}

    def refused(tool, error):
        wish = Wish(asker=asker, door=Door.MCP, server="upstream", tool=tool, arguments={})
        with CaptureQueriesContext(connection) as queries, pytest.raises(error):
            calls.call(wish)
        cost[tool] = len(queries)

    for _ in range(2):
        refused("write_note", errors.Refused)
        refused("no_such_tool", errors.UnknownTool)

    assert cost["write_note"] == cost["no_such_tool"] > 0
