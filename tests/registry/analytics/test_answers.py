"""What each tool answers, of a week whose every entry is known."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit import rollup
from registry.analytics import answers
from registry.analytics.answers import Wanted
from registry.analytics.periods import named
from registry.models import Breaker, Server
from tests.audit.counting import ADA, DEV, happened, put, question, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def wanted() -> Any:
    """Yesterday: Ada asked twice and dev once, of three tools; one call failed, one was refused."""
    at = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=9)
    failing: dict[str, Any] = {"call_outcome": "failed", "outcome": "failed"}
    put(
        *question(at, ADA, calls=[("crm", "find")], cost="0.5", milliseconds=1000),
        *question(at, ADA, calls=[("crm", "find"), ("crm", "get")], cost="0.25"),
        *question(at, DEV, calls=[("files", "read")], cost="1", milliseconds=10, **failing),
        refusal(at),
        happened(at, "model.turn", "ok", who=ADA),
        happened(at, "model.turn", "ok", who=ADA),
        happened(at, "model.turn", "ok", who=DEV),
    )
    rollup.roll_up()
    when = named("yesterday", now=timezone.now())
    return lambda by="", limit=9: Wanted(when, by, limit)


def test_what_was_spent_is_told_whole_and_by_the_hour(wanted: Any) -> None:
    whole, hour = answers.cost_summary(wanted())
    assert (whole["when"], whole["cost_usd"], whole["questions"]) == ("total", 1.75, 3)
    assert (hour["when"][-5:], hour["input_tokens"]) == ("15:00", 300)


def test_the_dearest_comes_first(wanted: Any) -> None:
    rows = answers.most_expensive(wanted("tool"))
    assert [(row["server"], row["tool"], row["cost_usd"]) for row in rows] == [
        ("files", "read", 1.0),
        ("crm", "find", 0.625),
        ("crm", "get", 0.125),
    ]
    rows = answers.most_expensive(wanted("person", 1))
    assert [(row["person"], row["cost_usd"]) for row in rows] == [(DEV.person, 1.0)]


def test_the_slowest_comes_first(wanted: Any) -> None:
    first, second = answers.slowest(wanted("server"))
    assert (first["server"], first["mean_ms"], second["mean_ms"]) == ("crm", 400, 10)
    assert first["p90_ms"] == pytest.approx(1000, rel=0.05)


def test_errors_and_what_failed(wanted: Any) -> None:
    assert answers.errors(wanted()) == [
        {"error": "model_failed", "calls": 0, "questions": 1},
        {"error": "tool_failed", "calls": 1, "questions": 0},
    ]
    told = [
        (row["what"], row["person"], row["tool"], row["error"]) for row in answers.failed(wanted())
    ]
    assert told == [
        ("question", DEV.person, "", "model_failed"),
        ("call", DEV.person, "files/read", "tool_failed"),
    ]
    assert len(answers.failed(wanted(limit=1))) == 1


def test_refusals_people_tools_and_turns(wanted: Any) -> None:
    assert answers.refusals(wanted()) == [
        {"rule": "no writing", "layer": "server", "refused_calls": 1}
    ]
    people = answers.active_people(wanted())
    assert [(row["person"], row["questions"], row["calls"]) for row in people] == [
        (ADA.person, 2, 3),
        (DEV.person, 1, 1),
    ]
    tools = answers.tool_popularity(wanted())
    assert [(row["tool"], row["calls"], row["failed"]) for row in tools] == [
        ("find", 2, 0),
        ("get", 1, 0),
        ("read", 1, 1),
    ]
    assert answers.turns(wanted("person")) == [
        {"person": "everybody", "turns": 3, "questions": 3, "turns_per_question": 1.0},
        {"person": ADA.person, "turns": 2, "questions": 2, "turns_per_question": 1.0},
        {"person": DEV.person, "turns": 1, "questions": 1, "turns_per_question": 1.0},
    ]


def test_servers_are_told_as_they_are_now_and_were(wanted: Any) -> None:
    address = {"transport": "http", "url": "https://crm.example"}
    crm = Server.objects.create(name="crm", health="up", **address)
    Server.objects.create(name="idle", health="down", **address)
    Server.objects.create(name="away", enabled=False, **address)
    Breaker.objects.create(server=crm, failures=5, closed_until=timezone.now())
    first, second = answers.server_health(wanted())
    assert (first["server"], first["now"], first["left_alone"]) == ("crm", "up", True)
    assert (first["calls"], first["failed"], first["mean_ms"]) == (3, 0, 400)
    assert second == {
        "server": "idle",
        "now": "down",
        "left_alone": False,
        "calls": 0,
        "failed": 0,
    }
