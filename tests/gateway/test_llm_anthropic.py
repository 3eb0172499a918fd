"""The model over real HTTP: what is sent and what is understood; the file beside has what fails."""

import json
import threading
import time
from typing import Any

import pytest

from gateway.llm.base import Message, Stop, Usage
from tests.fakes import messages_api as fake
from tests.fakes.messages_api import says, serve, uses
from tests.gateway.turning import NOW, QUESTION, Listener, model_at, take_turn

# One worker for all that import the SDK: 2 s of CPU each.
pytestmark = pytest.mark.xdist_group("anthropic")


@pytest.fixture(scope="module", autouse=True)
def sdk() -> None:
    """Import the SDK before a clock runs: on a busy machine that takes longer than a turn may."""
    model_at("http://127.0.0.1").prepare()


# --- What is understood ---------------------------------------------------------------------------


def test_text_is_streamed_and_returned() -> None:
    listener = Listener()
    with serve([says("It is noon.")]) as api:
        reply = take_turn(model_at(api.url), listener)
    assert (reply.text, reply.stop, reply.tool_uses) == ("It is noon.", Stop.END, ())
    assert (reply.model, reply.attempts) == ("claude-sonnet-5-5", 1)
    assert "".join(listener.pieces) == "It is noon."
    assert len(listener.pieces) == 2


def test_several_tool_uses_in_one_turn_keep_their_order_and_arguments() -> None:
    calls = [("time__now", {"zone": "Asia/Tokyo"}), ("calc__add", {"a": 1, "b": [2, {"c": "ü"}]})]
    turn = uses(*calls, text="I look.", thinking="Which zone?")
    with serve([turn]) as api:
        reply = take_turn(model_at(api.url))
    assert [(use.name, use.arguments) for use in reply.tool_uses] == calls
    assert [use.id for use in reply.tool_uses] == [block["id"] for block in turn.blocks[2:]]
    assert reply.text == "I look."


def test_content_is_replayed_unchanged_with_thoughts_and_signature() -> None:
    turn = uses(("time__now", {"zone": "UTC"}), text="I look.", thinking="Which zone?")
    with serve([turn, says("Noon.")]) as api:
        model = model_at(api.url)
        reply = take_turn(model)
        result = {"type": "tool_result", "tool_use_id": reply.tool_uses[0].id, "content": "12:00"}
        later = [
            *QUESTION,
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": [result]},
        ]
        take_turn(model, messages=later)
    assert reply.content == list(turn.blocks)
    assert api.requests[1].body["messages"] == later


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        (
            {
                "input_tokens": 5,
                "output_tokens": 7,
                "cache_read_input_tokens": 11,
                "cache_creation_input_tokens": 13,
            },
            Usage(input=5, output=7, cache_read=11, cache_write=13),
        ),
        ({"input_tokens": 5, "output_tokens": 7}, Usage(input=5, output=7)),
        ({}, Usage()),
    ],
)
def test_usage_is_what_was_sent_and_what_was_left_out_is_unknown(
    sent: dict[str, int], understood: Usage
) -> None:
    with serve([says("Noon.", usage=sent)]) as api:
        assert take_turn(model_at(api.url)).usage == understood


@pytest.mark.parametrize(
    "stop",
    [Stop.END, Stop.MAX_TOKENS, Stop.STOP_SEQUENCE, Stop.PAUSE, Stop.REFUSAL, Stop.CONTEXT_FULL],
)
def test_only_a_stop_for_tool_use_yields_tool_uses(stop: str) -> None:
    with serve([uses(("time__now", {}), stop=stop)]) as api:
        reply = take_turn(model_at(api.url))
    assert (reply.stop, reply.tool_uses) == (stop, ())


# --- What is sent ---------------------------------------------------------------------------------


def test_the_request_is_streamed_with_the_cache_marked_on_system_and_last_tool() -> None:
    with serve([says("Noon.")]) as api:
        take_turn(model_at(api.url, effort="low", max_tokens=77))
    cached = {"cache_control": {"type": "ephemeral"}}
    assert api.requests[0].body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 77,
        "stream": True,
        "system": [{"type": "text", "text": "Be exact.", **cached}],
        "messages": QUESTION,
        "tools": [
            {"name": "calc__add", "description": "A sum.", "input_schema": {"type": "object"}},
            {"name": "time__now", "description": "The time.", "input_schema": NOW.input_schema}
            | cached,
        ],
        "output_config": {"effort": "low"},
    }


def test_plain_requests_have_no_optional_field() -> None:
    with serve([says("Noon.")]) as api:
        take_turn(model_at(api.url, effort="low", plain=True, model="claude-opus-5-5"))
    body = api.requests[0].body
    assert set(body) == {"model", "max_tokens", "stream", "system", "messages", "tools"}
    assert body["system"] == "Be exact."
    assert "cache_control" not in json.dumps(body)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-opus-5-5", {"type": "adaptive", "display": "summarized"}),
        ("claude-fable-5-2", {"type": "adaptive", "display": "summarized"}),
        ("claude-sonnet-5-5", None),
    ],
)
def test_models_that_always_think_are_asked_for_summaries(model: str, thinking: Any) -> None:
    with serve([says("Noon.")]) as api:
        take_turn(model_at(api.url, model=model))
    assert api.requests[0].body.get("thinking") == thinking


def test_the_key_and_extra_headers_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-environment")
    with serve([says("Noon."), says("Noon.")]) as api:
        take_turn(model_at(api.url, extra_headers=(("x-api-key", "other"), ("x-team", "ops"))))
        take_turn(model_at(api.url, api_key=""))
    first, second = (request.headers for request in api.requests)
    assert first["authorization"] == "Bearer sk-test-1"
    assert (first["x-api-key"], first["x-team"]) == ("other", "ops")
    assert second["authorization"] == "Bearer none"


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_an_address_with_or_without_v1_works(suffix: str) -> None:
    with serve([says("Noon.")]) as api:
        assert take_turn(model_at(api.url + suffix)).text == "Noon."
    assert api.requests[0].path == "/v1/messages"


def test_without_tools_and_system_neither_is_sent() -> None:
    with serve([says("Hello.")]) as api:
        model_at(api.url).turn(
            system="",
            tools=[],
            messages=QUESTION,
            on_delta=lambda _text: None,
            deadline=time.monotonic() + 5,
            cancelled=lambda: False,
        )
    assert set(api.requests[0].body) == {"model", "max_tokens", "stream", "messages"}


# --- Many at once ---------------------------------------------------------------------------------


def test_turns_of_many_threads_do_not_mix() -> None:
    def echo(body: dict[str, Any]) -> fake.Turn:
        return says(body["messages"][0]["content"], delay=0.01)

    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        messages: list[Message] = [{"role": "user", "content": f"number {number}"}]
        answers[number] = take_turn(model, messages=messages).text

    with serve(echo) as api:
        model = model_at(api.url)
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: f"number {number}" for number in range(16)}
