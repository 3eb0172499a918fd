"""From figures to their entries: what a link leads to holds just what was counted."""

from typing import Any

import pytest

from audit import stats
from audit.rollup import TOTAL, Place
from gateway.record import links
from tests.audit.counting import NOON, put, question, refusal
from tests.cast import Cast


@pytest.mark.parametrize(
    ("place", "filters"),
    [
        (TOTAL, {}),
        (Place("person", "a@example.com"), {"person": "a@example.com"}),
        (Place("tool", "find", "crm"), {"server": "crm", "tool": "find"}),
        (Place("rule", "no writing", "server"), {"layer": "server", "rule": "no writing"}),
        (Place("error", "tool_failed"), {"error_code": "tool_failed"}),
    ],
)
def test_a_place_is_left_by_the_records_filters(place: Place, filters: dict[str, str]) -> None:
    assert links.filters_of(place) == filters


def test_a_link_leads_to_the_entries_of_the_period(client: Any, cast: Cast) -> None:
    put(*question(NOON, calls=[("sales", "find")]), *question(NOON.replace(day=7)), refusal(NOON))
    when = stats.period(NOON, NOON.replace(day=5))
    client.force_login(cast.ada)

    def shown(**filters: str) -> list[str]:
        page = client.get(links.of_place(when, TOTAL, **filters))
        return sorted(row.entry.kind for row in page.context["rows"])

    assert shown(kind="question.ended") == ["question.ended"]
    assert shown(server="sales") == ["call.called", "call.calling", "call.refused"]
