"""A question read from its rows."""

import pytest

from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.replay import recording
from tests.gateway.replaying import recorded
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_tool_use_has_its_call(cast, upstream):
    found = recording.read(recorded(cast))

    assert [turn.stop for turn in found.turns] == ["tool_use", "tool_use", "end_turn"]
    assert [(use.name, dict(use.arguments), use.call.state) for use in found.uses] == [
        ("upstream__add", {"a": 40, "b": 2}, "done"),
        ("upstream__delete_everything", {}, "refused"),
    ]


def test_ids_that_come_twice_are_told_apart_as_the_run_did(cast, upstream):
    lines = [
        uses(("upstream__add", {"a": 1, "b": 1})),
        uses(("upstream__add", {"a": 2, "b": 2})),
        says("done"),
    ]
    for line in lines[:2]:
        line.content[0]["id"] = "same"
    model = ScriptedModel([*(_again(line) for line in lines[:2]), lines[2]])

    found = recording.read(asked(cast, cast.dev, "sums", model))

    assert [use.call.text for use in found.uses] == ['{"sum": 2}', '{"sum": 4}']


def _again(line):
    from gateway.llm.base import reply_of  # noqa: PLC0415  only here

    return reply_of(line.content, stop=line.stop, usage=line.usage, model=line.model)


def test_a_page_is_no_call():
    assert recording.is_page(recording.Use("read_result", {}, None))
    assert not recording.is_page(recording.Use("crm__list", {}, None))
