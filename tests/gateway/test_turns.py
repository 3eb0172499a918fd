"""Each turn of the model is on the record: what it used, what it was offered, and what not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from audit.models import Entry
from gateway.llm.base import Usage
from gateway.llm.scripted import ScriptedModel, says, uses
from registry.models import Tool
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)
ECHO = ("upstream__echo", {"text": "x"})


def turns(question):
    return list(Entry.objects.filter(question=str(question.pk), kind="model.turn").order_by("pk"))


def test_a_turn_says_what_it_used_and_cost_and_which_tools_it_asked_for(cast, upstream):
    usage = Usage(input=1000, output=100, cache_read=0, cache_write=0)
    first = uses(ECHO, ("upstream__nothing", {}), usage=usage)
    first = replace(first, model="claude-haiku-4-5")
    question = asked(cast, cast.dev, "echo x", ScriptedModel([first, says("done")]))

    turn, last = turns(question)
    assert (turn.person, turn.door, turn.policy_version) == (
        "dev@example.com", "cli", question.policy_version,
    )  # fmt: skip
    assert (turn.input_tokens, turn.output_tokens, turn.cost) == (1000, 100, Decimal("0.0015"))
    assert turn.detail["asked_for"] == ["upstream__echo", "upstream__nothing"]
    assert (turn.detail["model"], turn.detail["price"]["input"]) == ("claude-haiku-4-5", "1")
    assert [(one.detail["turn"], one.detail["stop"]) for one in (turn, last)] == [
        (1, "tool_use"), (2, "end_turn"),
    ]  # fmt: skip


def test_what_was_withheld_is_said_once_and_again_when_it_changes(cast, upstream):
    def script(messages):
        if len(messages) == 5:
            Tool.objects.filter(name="add").update(state="quarantined")
        return says("done") if len(messages) == 5 else uses(ECHO)

    question = asked(cast, cast.dev, "echo x", ScriptedModel(script))

    said = [turn.detail["withheld"] for turn in turns(question)]
    assert [one["why"] for one in said[0]].count("policy") == len(said[0]) > 0
    assert said[1:] == [{"as_in_turn": 1}, {"as_in_turn": 1}]

    changed = asked(cast, cast.dev, "echo x", ScriptedModel([says("done")]))
    assert "drift" in [one["why"] for one in turns(changed)[0].detail["withheld"]]


def test_a_tool_set_aside_between_two_turns_is_missing_from_the_second(cast, upstream):
    def script(messages):
        Tool.objects.filter(name="add").update(state="quarantined")
        return says("done") if len(messages) == 3 else uses(ECHO)

    question = asked(cast, cast.dev, "echo x", ScriptedModel(script))

    first, second = turns(question)
    assert second.detail["offered"] == first.detail["offered"] - 1
    assert {"why": "drift", "count": 1, "tools": ["upstream/add"]} in second.detail["withheld"]


def test_the_end_says_how_long_each_part_took(cast, upstream):
    question = asked(cast, cast.dev, "echo x", ScriptedModel([uses(ECHO), says("done")]))

    ended = Entry.objects.get(question=str(question.pk), kind="question.ended")
    parts = ended.detail["milliseconds"]
    assert set(parts) == {"queued", "model", "tools", "approval"}
    assert (parts["tools"], parts["approval"]) == (question.calls.get().milliseconds, 0)
    assert parts["model"] == sum(turn.milliseconds for turn in question.turns.all())
