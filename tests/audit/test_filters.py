"""A fixed list of filters: each leaves its entries, and nothing else reaches the ORM (T-40)."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from audit import record, seal, search
from audit.errors import BadFilter
from audit.filters import FILTERS, Filters
from audit.models import Entry
from tests.audit.conftest import FULL, WHO

ANOTHER: record.Facts = {
    **FULL,
    "who": record.Who(
        "bob@example.com", "dev", "web", address="192.0.2.8", api_key="k9", channel="", thread=""
    ),
    "arguments": {"database": "stock"},
    "question": "q2",
    "call": "c2",
    "server": "files_mcp",
    "tool": "read_file",
    "decision": {"effect": "deny", "layer": "rule", "rule": "no-dev", "reason": "no", "id": "d2"},
    "policy_version": "v2",
    "cost": Decimal("0.5"),
    "milliseconds": 900,
    "error_code": "refused",
}
ONE: dict[str, str] = {
    "kind": "call.called",
    "outcome": "ok",
    "person": WHO.person,
    "role": WHO.role,
    "door": WHO.door,
    "server": "database_mcp",
    "tool": "get_top_queries",
    "effect": "allow",
    "layer": "role",
    "rule": "dba",
    "decision": "d1",
    "error_code": "slow",
    "question": str(FULL["question"]),
    "call": str(FULL["call"]),
    "policy_version": "p" * 64,
    "api_key": WHO.api_key,
    "address": WHO.address,
    "text": "sales",
    "to": "1h",
    "max_cost": "0.01",
    "max_milliseconds": "41",
}
OTHER = {"from": "1h", "min_cost": "0.00390001", "min_milliseconds": "42"}


@pytest.fixture
def two(db: None) -> tuple[int, int]:
    """An entry of two hours ago, and another one of now."""
    old = record.prepare("call.called", "ok", **FULL)
    old.at = timezone.now() - timedelta(hours=2)
    new = record.prepare("call.refused", "refused", **ANOTHER)
    written = record.write_many([old]) + record.write_many([new])
    seal.seal_once()
    search.index_new()
    return written[0].pk, written[1].pk


def found(**given: str) -> list[int]:
    return list(Filters.parse(given).apply(Entry.objects.all()).values_list("pk", flat=True))


def test_each_filter_leaves_its_own(two: tuple[int, int]) -> None:
    one, other = two
    assert {name: found(**{name: value}) for name, value in ONE.items()} == dict.fromkeys(
        ONE, [one]
    )
    assert {name: found(**{name: value}) for name, value in OTHER.items()} == dict.fromkeys(
        OTHER, [other]
    )
    assert {*ONE, *OTHER} == {*FILTERS}


def test_filters_together_leave_what_passes_all(two: tuple[int, int]) -> None:
    assert found(**ONE) == [two[0]]
    assert found(**ONE | {"role": "dev"}) == []
    assert found(person="", kind="  ") == [two[1], two[0]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        # Threat T-40: names that the ORM would understand, or that build a query's parts.
        ("_connector=OR 1=1 OR", "_connector"),
        ("_negated=1", "_negated"),
        ("user__password__startswith=a", "user__password__startswith"),
        ("person__startswith=a", "person__startswith"),
        ("at__gte=2026-01-01", "at__gte"),
        ("digest=0", "digest"),
        ("kind=call", "kind"),
        ("outcome=fine", "outcome"),
        ("effect=maybe", "effect"),
        ("from=yesterday", "from"),
        ("to=99999999999d", "to"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("from=1h&to=2h", "to"),
        ("min_cost=-1", "min_cost"),
        ("max_cost=NaN", "max_cost"),
        ("max_cost=1e9", "max_cost"),
        ("min_cost=2&max_cost=1", "max_cost"),
        ("min_milliseconds=1.5", "min_milliseconds"),
        ("max_milliseconds=9999999999999", "max_milliseconds"),
        ("max_milliseconds=٣", "max_milliseconds"),
        ("text='; --", "text"),
        ("text=-only", "text"),
        ("person=a%00b", "person"),
        ("person=" + "a" * 1001, "person"),
        ("person=a&person=b", "person"),
    ],
)
def test_what_is_no_filter_or_no_value_is_an_error_that_names_it(query: str, field: str) -> None:
    with pytest.raises(BadFilter) as refused:
        Filters.parse(QueryDict(query))
    assert refused.value.field == field


def test_names_that_a_door_has_besides_are_let_by() -> None:
    assert Filters.parse({"limit": "5", "role": "dba"}, besides=["limit"]).given == {"role": "dba"}


def test_times_are_utc_where_they_name_no_zone() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    for given in ("2026-05-01T12:00", "2026-05-01T12:00Z", "2026-05-01T14:00+02:00"):
        assert Filters.parse({"from": given}).values == {"from": noon}


def test_a_filter_that_a_door_goes_without_is_unknown_there() -> None:
    with pytest.raises(BadFilter) as refused:
        Filters.parse({"person": "ada@example.com"}, without=["person"])
    assert refused.value.field == "person"
    assert "person" not in str(refused.value)


USES = {
    **{name: f"entry_by_{name}" for name in ("role", "door", "address", "api_key", "server")},
    **{name: f"entry_by_{name}" for name in ("tool", "layer", "rule", "policy_version")},
    **{name: f"entry_{name}" for name in ("kind", "person", "question", "call", "decision")},
    "error_code": "entry_by_error_code",
    "outcome": "entry_by_outcome",
    "effect": "entry_by_effect",
    "min_cost": "entry_by_cost",
    "max_milliseconds": "entry_by_milliseconds",
}
RARE = {"kind": "setup.done", "outcome": "expired", "effect": "ask", "min_cost": "9"}


@pytest.mark.parametrize(("name", "index"), USES.items())
def test_each_filter_has_an_index(db: None, name: str, index: str) -> None:
    given = {name: RARE.get(name, "7")}
    page = Filters.parse(given).apply(Entry.objects.all()).order_by()[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # The tables are empty: reading them whole would cost nothing.
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert re.search(rf"\b{index}\b", page.explain()), page.explain()
