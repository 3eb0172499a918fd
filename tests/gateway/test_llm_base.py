import pytest

from audit.storable import LOST
from gateway.llm.base import NO_TOKENS, Stop, ToolUse, Usage, reply_of

BLOCKS = [
    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "t1", "name": "time__now", "input": {"zone": "UTC"}},
]


def test_usage_adds_up_and_the_unknown_stays_unknown() -> None:
    left = Usage(input=1, output=2, cache_read=None, cache_write=4)
    right = Usage(input=10, output=20, cache_read=30, cache_write=0)
    assert left + right == Usage(input=11, output=22, cache_read=None, cache_write=4)
    assert left + NO_TOKENS == left


@pytest.mark.parametrize(
    ("usage", "prompt"),
    [
        (Usage(input=1, output=9, cache_read=20, cache_write=300), 321),
        (Usage(input=1, output=9, cache_read=None, cache_write=0), None),
        (NO_TOKENS, 0),
    ],
)
def test_the_prompt_is_new_and_cached_tokens_together(usage: Usage, prompt: int | None) -> None:
    assert usage.prompt == prompt


def test_a_turn_that_stopped_for_tools_has_tool_uses() -> None:
    reply = reply_of(BLOCKS, stop=Stop.TOOL_USE, usage=NO_TOKENS, model="m")
    assert reply.tool_uses == (ToolUse(id="t1", name="time__now", arguments={"zone": "UTC"}),)
    assert reply.text == "I look."
    assert reply.content == BLOCKS


@pytest.mark.parametrize(
    "stop",
    [Stop.END, Stop.MAX_TOKENS, Stop.STOP_SEQUENCE, Stop.PAUSE, Stop.REFUSAL, Stop.CONTEXT_FULL],
)
def test_a_turn_that_stopped_for_anything_else_has_none(stop: str) -> None:
    assert reply_of(BLOCKS, stop=stop, usage=NO_TOKENS, model="m").tool_uses == ()


def test_what_no_database_keeps_is_never_read_as_another_tool_or_argument() -> None:
    use = {"type": "tool_use", "id": "t\0", "name": "time__now\0", "input": {"zone": "\ud800"}}
    content = [{"type": "text", "text": "a\0"}, use]
    reply = reply_of(content, stop=Stop.TOOL_USE, usage=NO_TOKENS, model="m")

    lost = ToolUse(id=f"t{LOST}", name=f"time__now{LOST}", arguments={"zone": LOST})
    assert (reply.text, reply.tool_uses) == ("a\ufffd", (lost,))
    replayed = reply_of(reply.content, stop=Stop.TOOL_USE, usage=NO_TOKENS, model="m")
    assert replayed == reply
