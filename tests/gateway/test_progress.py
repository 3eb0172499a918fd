"""Live steps: in order, from where one left off, wherever they are kept."""

from uuid import UUID, uuid4

import pytest

from gateway import progress
from gateway.progress import Deltas, InMemory, InRedis


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def steps(request, settings):
    """Both keepers, each as a deployment has it."""
    return InMemory() if request.param == "memory" else InRedis(settings.REDIS_URL)


@pytest.fixture
def question() -> str:
    return str(uuid4())


def shown(events):
    return [(event.kind, event.data) for event in events]


THREE = [("started", {"attempt": 1}), ("delta", {"text": "a\nb é 😀"}), ("done", {"id": None})]


def test_steps_are_read_in_the_order_they_were_made(steps, question):
    for kind, data in THREE:
        steps.publish(question, kind, data)

    assert shown(steps.read(question)) == THREE


def test_reading_goes_on_after_any_step(steps, question):
    for kind, data in THREE:
        steps.publish(question, kind, data)
    ids = [event.id for event in steps.read(question)]

    assert [shown(steps.read(question, id)) for id in ids] == [THREE[1:], THREE[2:], []]


def test_steps_that_come_later_are_found_after_the_last_one_read(steps, question):
    steps.publish(question, *THREE[0])
    [last] = steps.read(question)
    assert steps.read(question, last.id) == []

    steps.publish(question, *THREE[1])

    assert shown(steps.read(question, last.id)) == [THREE[1]]


def test_questions_do_not_see_each_others_steps(steps, question):
    steps.publish(question, "started", {})

    assert steps.read(str(uuid4())) == []


def test_the_last_step_is_kept_however_many_there_were(steps, question, monkeypatch):
    monkeypatch.setattr(progress, "KEPT_EVENTS", 3)
    for number in range(500):
        steps.publish(question, "delta", {"n": number})
    steps.publish(question, "done", {})

    kept = steps.read(question)

    assert shown(kept)[-1] == ("done", {})
    assert len(kept) < 500
    assert shown(steps.read(question, kept[-2].id)) == [("done", {})]


@pytest.mark.parametrize("after", ["x", "-1", "²", "٣x", "9" * 5000, "1-0-0", "*", "\x00"])
def test_an_id_that_nobody_gave_out_raises_nothing(after, question):
    progress.publish(UUID(question), "started")

    assert shown(progress.read(UUID(question), after)) in ([], [("started", {})])


def test_memory_forgets_a_question_when_nobody_has_made_steps_for_long(question, monkeypatch):
    steps = InMemory()
    steps.publish("old", "started", {})
    steps.publish(question, "started", {})
    assert shown(steps.read("old")) == [("started", {})]

    monkeypatch.setattr(progress, "KEPT_SECONDS", -1)
    steps.publish("new", "started", {})

    assert [shown(steps.read(name)) for name in ("old", question)] == [[], []]
    assert shown(steps.read("new")) == [("started", {})]


@pytest.mark.redis
def test_redis_forgets_a_question_ten_minutes_after_its_last_step(settings, question):
    steps = InRedis(settings.REDIS_URL)
    steps.publish(question, "started", {})

    assert 0 < steps._redis.ttl(steps._name(question)) <= progress.KEPT_SECONDS


def test_a_redis_that_does_not_answer_costs_the_steps_and_nothing_else(settings, question):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    progress.publish(UUID(question), "started")

    assert progress.read(UUID(question)) == []


@pytest.mark.parametrize(
    ("characters", "pieces"),
    [(1, ["ab", "cd", "e", "f"]), (4, ["abcd", "ef"]), (5, ["abcde", "f"]), (99, ["abcdef"])],
)
def test_deltas_are_gathered_to_a_readable_size_and_none_is_lost(characters, pieces):
    told: list[str] = []
    deltas = Deltas(told.append, characters=characters, seconds=60)

    for text in ("ab", "cd", "e", "f"):
        deltas(text)
    deltas.flush()
    deltas.flush()

    assert told == pieces


def test_a_delta_that_waited_long_is_told_at_once():
    told: list[str] = []
    deltas = Deltas(told.append, characters=99, seconds=0)

    deltas("a")

    assert told == ["a"]


def test_a_turn_that_starts_over_tells_nothing_of_its_first_try():
    told: list[str] = []
    deltas = Deltas(told.append, characters=99, seconds=60)
    deltas("wrong")

    deltas.drop()
    deltas("right")
    deltas.flush()

    assert told == ["right"]
