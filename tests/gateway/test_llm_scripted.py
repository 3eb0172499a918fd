import time
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.llm.base import (
    Message,
    ModelCancelled,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    ToolSpec,
    Usage,
)
from gateway.llm.scripted import Heard, ScriptedModel, replay, says, uses

QUESTION: list[Message] = [{"role": "user", "content": "What time is it?"}]
CLOCK = ToolSpec(name="time__now", description="The time.", input_schema={"type": "object"})


def take_turn(model: ScriptedModel, deltas: list[str] | None = None, **changes: Any) -> Reply:
    values: dict[str, Any] = {
        "system": "Be exact.",
        "tools": [CLOCK],
        "messages": QUESTION,
        "on_delta": (deltas if deltas is not None else []).append,
        "deadline": time.monotonic() + 5,
        "cancelled": lambda: False,
    }
    return model.turn(**values | changes)


def test_lines_are_said_in_order_and_streamed_by_words() -> None:
    deltas: list[str] = []
    asking = uses(("time__now", {"zone": "UTC"}), text="I look.")
    model = ScriptedModel([asking, "It is  noon.\n"])
    assert take_turn(model, deltas) is asking
    assert take_turn(model, deltas) == says("It is  noon.\n")
    assert deltas == ["I", " look.", "It", " is", "  noon.\n"]


def test_requests_are_kept() -> None:
    model = ScriptedModel(["yes"])
    take_turn(model)
    assert model.heard == [Heard(system="Be exact.", tools=(CLOCK,), messages=tuple(QUESTION))]


def test_a_function_answers_the_messages() -> None:
    def echo(messages: Sequence[Message]) -> str:
        return str(messages[-1]["content"]).upper()

    assert take_turn(ScriptedModel(echo)).text == "WHAT TIME IS IT?"


def test_an_error_in_the_script_is_raised() -> None:
    with pytest.raises(ModelUnavailable, match="gone"):
        take_turn(ScriptedModel([ModelUnavailable("gone")]))


def test_after_the_last_line_turns_are_refused() -> None:
    with pytest.raises(ModelRefused):
        take_turn(ScriptedModel([]))


def test_a_cancelled_question_gets_no_word() -> None:
    deltas: list[str] = []
    with pytest.raises(ModelCancelled):
        take_turn(ScriptedModel(["no"]), deltas, cancelled=lambda: True)
    assert deltas == []


def test_a_deadline_is_kept() -> None:
    with pytest.raises(ModelTimedOut):
        take_turn(ScriptedModel(["late"]), deadline=time.monotonic() - 1)


def test_a_recorded_turn_comes_back_equal() -> None:
    first = uses(("time__now", {}), usage=Usage(input=10, output=2, cache_read=None, cache_write=0))
    recorded = {
        "content": first.content,
        "stop": first.stop,
        "model": first.model,
        "usage": {"input": 10, "output": 2, "cache_read": None, "cache_write": 0},
    }
    assert take_turn(replay([recorded])) == first
