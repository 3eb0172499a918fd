"""The stream of a question that waits for approval says so, also where the steps were lost."""

import asyncio
import json

import pytest

from gateway import events, progress
from gateway.llm.scripted import ScriptedModel, says, uses
from tests.approving import approver, confirm, say
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)


def frames(question, count):
    async def read():
        stream = events._stream(question.pk, "")
        got = [(await anext(stream)).decode() for _ in range(count)]
        await stream.aclose()
        return got

    return asyncio.run(asyncio.wait_for(read(), 10))


def kind_and_data(frame):
    lines = dict(line.split(": ", 1) for line in frame.strip().splitlines())
    return lines["event"], json.loads(lines["data"])


def test_what_waits_is_streamed_from_the_row_when_the_steps_are_lost(cast, upstream, monkeypatch):
    confirm("echo")
    model = ScriptedModel([uses(("upstream__echo", {"text": "x"})), says("x")])
    question = asked(cast, cast.dev, "echo", model)
    monkeypatch.setattr(progress, "_steps", {events.settings.REDIS_URL: progress.InMemory()})

    [frame] = frames(question, 1)

    kind, data = kind_and_data(frame)
    assert (kind, [one["tool"] for one in data["approvals"]]) == ("waiting", ["echo"])


def test_the_steps_tell_what_waits_and_what_was_decided(cast, upstream):
    confirm("echo")
    model = ScriptedModel([uses(("upstream__echo", {"text": "x"})), says("x")])
    question = asked(cast, cast.dev, "echo", model)
    say(cast, approver(), question.approvals.get())

    told = [kind_and_data(frame) for frame in frames(question, 5)]

    assert [kind for kind, _ in told] == ["accepted", "started", "turn", "waiting", "decided"]
    assert (told[-1][1]["state"], told[-1][1]["decided_by"]) == ("approved", "cleo@example.com")
