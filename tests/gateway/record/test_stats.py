"""The figures over REST: for those who may read the record, and nobody else."""

from typing import Any

import pytest

from audit import rollup
from audit.models import Entry
from tests.audit.counting import ADA, DEV, NOON, put, question, refusal
from tests.cast import Cast

pytestmark = pytest.mark.django_db

STATS, TOP, LIVE = "/api/audit/stats", "/api/audit/stats/top", "/api/audit/stats/live"
MAY = {"from": "2026-05-04", "to": "2026-05-06"}


@pytest.fixture
def counted(cast: Cast) -> None:
    """Two questions of Ada's on the fourth of May, one of dev's on the fifth."""
    put(
        *question(NOON, ADA, calls=[("crm", "find")]),
        *question(NOON, ADA, calls=[("crm", "find"), ("files", "read")]),
        *question(NOON.replace(day=5), DEV, calls=[("files", "read")], cost=None),
        refusal(NOON),
    )
    rollup.roll_up()


@pytest.mark.parametrize("path", [STATS, TOP, LIVE])
def test_whoever_may_read_the_record_gets_in_and_nobody_else(
    auditor: Any, client_of: Any, cast: Cast, client: Any, path: str
) -> None:
    assert auditor.get(path).status_code == 200
    assert client.get(path).status_code == 401
    assert client_of(cast.dev, scopes=["admin"]).get(path).status_code == 403
    assert client_of(cast.ada, scopes=["read"]).get(path).status_code == 403
    refused = Entry.objects.filter(kind="auth.refused", error_code="not_allowed")
    assert refused.values_list("person", flat=True).first() == cast.dev.email


def test_a_period_is_told_whole_and_day_by_day(auditor: Any, counted: None) -> None:
    told = auditor.get(STATS, MAY | {"granularity": "day"}).json()
    assert told["period"] == {
        "start": "2026-05-04T00:00:00+00:00",
        "end": "2026-05-06T00:00:00+00:00",
        "granularity": "day",
    }
    assert told["place"] == {"by": "total", "name": "", "within": ""}
    assert [(one["at"][:10], one["figures"]["questions"]) for one in told["series"]] == [
        ("2026-05-04", 2),
        ("2026-05-05", 1),
    ]
    total = told["total"]
    assert (total["calls"], total["calls_refused"], total["unpriced"]) == (4, 1, 1)
    assert total["cost_usd"] == "0.02000000"
    assert total["call_latency"]["mean"] == 100
    assert total["call_latency"]["p99"] == pytest.approx(100, rel=0.05)


def test_it_says_how_far_it_has_counted(auditor: Any, counted: None) -> None:
    put(*question(NOON))
    counted_first = auditor.get(STATS, MAY).json()["counted"]
    rollup.roll_up()
    then = auditor.get(STATS, MAY).json()["counted"]
    assert (counted_first["blocks_behind"], then["blocks_behind"]) == (1, 0)
    assert counted_first["until"] < then["until"]


def test_nothing_counted_yet_is_no_error(auditor: Any) -> None:
    told = auditor.get(STATS).json()
    assert told["counted"]["until"] is None
    assert told["total"]["call_latency"] == {"mean": None, "p50": None, "p90": None, "p99": None}
    assert auditor.get(TOP).json()["items"] == []


def test_figures_of_one_person_and_of_one_tool(auditor: Any, counted: None) -> None:
    query = MAY | {"by": "person", "name": ADA.person}
    assert auditor.get(STATS, query).json()["total"]["questions"] == 2
    query = MAY | {"by": "tool", "name": "find", "within": "crm"}
    told = auditor.get(STATS, query).json()
    assert told["place"] == {"by": "tool", "name": "find", "within": "crm"}
    assert told["total"]["cost_usd"] == "0.01500000"


def test_the_dearest_tool_comes_first(auditor: Any, counted: None) -> None:
    told = auditor.get(TOP, MAY | {"by": "tool", "order": "cost"}).json()
    assert [
        (one["place"]["within"], one["place"]["name"], one["figures"]["cost_usd"])
        for one in told["items"]
    ] == [("crm", "find", "0.01500000"), ("files", "read", "0.00500000")]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (STATS, {"by": "colour"}, "by"),
        (STATS, {"order": "cost"}, "order"),
        (TOP, {"order": "name"}, "order"),
        (TOP, {"granularity": "hour"}, "granularity"),
        (LIVE, {"at": "now"}, "at"),
    ],
)
def test_what_is_no_parameter_or_no_value_is_named(
    auditor: Any, path: str, query: dict[str, str], field: str
) -> None:
    answer = auditor.get(path, query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
