"""Which server stands in for another: said by an administrator, found by the tool's name."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import Entry
from audit.record import Who
from registry import catalogue, standing_in
from registry.errors import BreakerOpen, CannotRegister, NotReady, ServerBusy
from registry.mcp.errors import (
    Cancelled,
    GuardRefused,
    HttpRefused,
    Rejected,
    TimedOut,
    Unreachable,
)
from registry.models import Server, Tool
from tests.registry.fixtures import a_server

pytestmark = pytest.mark.django_db
ADA = Who(person="ada@example.com")
READS = {"readOnlyHint": True}


@pytest.fixture
def two():
    first, second = a_server("http://a.example.com", "first"), a_server("http://b.example.com", "b")
    for server in (first, second):
        Tool.objects.create(
            server=server,
            name="find",
            qualified_name=f"{server.name}__find",
            annotations=READS,
            input_schema={"type": "object", "properties": {"q": {"type": "string"}}},
        )
    return first, second


def test_it_is_set_recorded_and_taken_back(two):
    first, second = two
    standing_in.set_fallback(first, "b", ADA)
    standing_in.set_fallback(first, "b", ADA)
    assert first.fallback == second
    standing_in.set_fallback(first, "", ADA)
    assert first.fallback is None
    entries = Entry.objects.filter(person=ADA.person).order_by("pk")
    values = [entry.detail["values"]["fallback"] for entry in entries]
    assert values == [[None, "b"], ["b", None]]


@pytest.mark.parametrize("name", ["first", "nobody"])
def test_itself_or_nobody_does_not_stand_in(two, name):
    with pytest.raises(CannotRegister) as raised:
        standing_in.set_fallback(two[0], name, ADA)
    assert raised.value.field == "fallback"
    assert not Entry.objects.exists()


def test_no_row_names_itself(two):
    with pytest.raises(IntegrityError), transaction.atomic():
        Server.objects.filter(pk=two[0].pk).update(fallback=two[0])


def test_the_tool_of_the_same_name_is_found_where_both_only_read(two):
    first, second = two
    find = lambda: standing_in.tool_in_place_of(catalogue.find("first", "find"))  # noqa: E731
    assert find() is None
    standing_in.set_fallback(first, "b", ADA)
    assert (find().server, find().name) == (second, "find")
    for server in two:
        Tool.objects.filter(server=server).update(annotations={})
        assert find() is None
        Tool.objects.filter(server=server).update(annotations=READS)
    Tool.objects.filter(server=second).update(name="search")
    assert find() is None


@pytest.mark.parametrize(
    ("arguments", "takes"), [({"q": "x"}, True), ({"q": 1}, False), ({"query": "x"}, False)]
)
def test_arguments_are_taken_by_their_names_and_kinds(two, arguments, takes):
    tool = Tool.objects.get(server=two[1])
    assert standing_in.takes(tool, arguments, filled=arguments) is takes


@pytest.mark.parametrize(
    ("error", "unavailable"),
    [
        (Unreachable("x", executed="no"), True),
        (TimedOut("x"), True),
        (HttpRefused("x", status=503), True),
        (HttpRefused("x", status=429), True),
        (BreakerOpen("x", retry_after=1), True),
        (ServerBusy("x"), True),
        (HttpRefused("x", status=401), False),
        (GuardRefused("x"), False),
        (Rejected("x", rpc_code=-32602), False),
        (Cancelled("x"), False),
        (NotReady("x"), False),
    ],
)
def test_only_a_server_that_was_not_there_is_stood_in_for(error, unavailable):
    assert standing_in.is_unavailable(error) is unavailable
