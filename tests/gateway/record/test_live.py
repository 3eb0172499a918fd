"""This moment: what is under way, what waits, what is in trouble."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.models import Conversation, Question
from gateway.record import live
from registry.models import Breaker, Server
from tests.cast import Cast


def question(person: Any, state: str, *, minutes: int = 0) -> Question:
    conversation = Conversation.objects.create(person=person, door="web")
    return Question.objects.create(
        conversation=conversation,
        person=person,
        door="web",
        text="how much?",
        state=state,
        created_at=timezone.now() - timedelta(minutes=minutes),
        deadline_at=timezone.now() + timedelta(minutes=5),
    )


def server(name: str, health: str = "up", **facts: Any) -> Server:
    return Server.objects.create(
        name=name, transport="http", url="https://x.example", health=health, **facts
    )


def test_an_empty_house_has_nothing_under_way(db: None) -> None:
    seen = live.look()
    assert (seen.queued, seen.running, seen.waiting, seen.approvals) == (0, 0, 0, 0)
    assert (seen.servers, seen.oldest, seen.trouble) == (0, [], [])


def test_questions_are_counted_by_state_the_oldest_first(cast: Cast) -> None:
    for state, minutes in (("queued", 1), ("running", 3), ("running", 2), ("answered", 9)):
        question(cast.dev, state, minutes=minutes)
    question(cast.ada, "waiting", minutes=4)
    seen = live.look()
    assert (seen.queued, seen.running, seen.waiting) == (1, 2, 1)
    assert [(one.person, one.state) for one in seen.oldest] == [
        (cast.ada.email, "waiting"),
        (cast.dev.email, "running"),
        (cast.dev.email, "running"),
        (cast.dev.email, "queued"),
    ]


def test_no_more_are_shown_than_anybody_reads(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SHOWN", 1)
    question(cast.dev, "queued")
    question(cast.dev, "queued", minutes=1)
    seen = live.look()
    assert (seen.queued, len(seen.oldest)) == (2, 1)


def test_servers_that_are_down_or_left_alone_are_named(db: None) -> None:
    closed_until = timezone.now() + timedelta(seconds=9)
    server("fine")
    server("down", "down")
    Breaker.objects.create(server=server("shaky"), failures=4)
    Breaker.objects.create(server=server("broken"), failures=5, closed_until=closed_until)
    server("away", "down", enabled=False)
    seen = live.look()
    assert seen.servers == 4
    assert [(one.server, one.health, one.failures) for one in seen.trouble] == [
        ("broken", "up", 5),
        ("down", "down", 0),
    ]
    assert seen.trouble[0].closed_until == closed_until
