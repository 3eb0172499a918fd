"""The model over real HTTP: what is sent, what is understood, and every way the stream can fail."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from gateway.llm.anthropic import AnthropicModel, Provider
from gateway.llm.base import (
    Message,
    ModelCancelled,
    ModelCut,
    ModelError,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    Stop,
    ToolSpec,
    Usage,
)
from gateway.llm.patience import Patience
from tests.fakes import messages_api as fake
from tests.fakes.messages_api import says, serve, uses

QUESTION: list[Message] = [{"role": "user", "content": "What time is it?"}]
NOW = ToolSpec(
    name="time__now",
    description="The time.",
    input_schema={"type": "object", "properties": {"zone": {"type": "string"}}},
)
ADD = ToolSpec(name="calc__add", description="A sum.", input_schema={})
QUICK = Patience(first_wait=0.01, longest_wait=0.02, total_wait=0.5, poll=0.01)


@dataclass
class Listener:
    """What a consumer of a turn has on its screen."""

    pieces: list[str] = field(default_factory=list)
    restarts: int = 0

    def hear(self, text: str) -> None:
        self.pieces.append(text)

    def restart(self) -> None:
        self.pieces.clear()
        self.restarts += 1


def model_at(url: str, *, patience: Patience = QUICK, **values: Any) -> AnthropicModel:
    provider = {"model": "claude-sonnet-5-5", "api_key": "sk-test-1", "base_url": url}
    return AnthropicModel(Provider(**provider | values), patience=patience)


def take_turn(
    model: AnthropicModel,
    listener: Listener | None = None,
    *,
    within: float = 5,
    cancelled: Callable[[], bool] = lambda: False,
    tools: tuple[ToolSpec, ...] = (NOW, ADD),
    messages: list[Message] = QUESTION,
) -> Reply:
    listener = listener or Listener()
    return model.turn(
        system="Be exact.",
        tools=tools,
        messages=messages,
        on_delta=listener.hear,
        on_restart=listener.restart,
        deadline=time.monotonic() + within,
        cancelled=cancelled,
    )


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


# --- what may pass is tried again -----------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        fake.busy(),
        fake.busy(retry_after="0.02"),
        fake.busy(retry_after=formatdate(time.time() - 60, usegmt=True)),
        fake.busy(retry_after="soon"),
        fake.busy(retry_after="nan"),
        fake.busy(status=529),
        fake.rejects(408, "timeout_error", "Too slow"),
        fake.rejects(409, "conflict_error", "Again"),
        fake.Refuse(500),
        fake.Refuse(502, "<html><h1>Bad Gateway</h1></html>", content_type="text/html"),
        fake.Refuse(200, '{"id":"msg_1","content":[{"type":"te'),
        fake.Refuse(200, "", content_type="text/event-stream"),
        says("Noon.", broken='{"type":"content_block_delta","index":0,"del'),
        says("Noon.", error="overloaded_error"),
        says("Noon.", error="api_error"),
    ],
    ids=lambda trouble: getattr(trouble, "status", "stream"),
)
def test_a_passing_trouble_is_tried_again_as_a_whole(trouble: Any) -> None:
    listener = Listener()
    with serve([trouble, says("It is noon.")]) as api:
        reply = take_turn(model_at(api.url), listener)
    assert (reply.text, reply.attempts) == ("It is noon.", 2)
    assert "".join(listener.pieces) == "It is noon."
    assert len(api.requests) == 2
    assert api.requests[0].body == api.requests[1].body


def test_a_wait_that_is_asked_for_is_kept() -> None:
    with serve([fake.busy(retry_after="0.3"), says("Noon.")]) as api:
        take_turn(model_at(api.url))
    first, second = (request.at for request in api.requests)
    assert 0.3 <= second - first < 1


def test_after_three_attempts_there_is_no_fourth() -> None:
    with serve([fake.Refuse(500)] * 5) as api, pytest.raises(ModelUnavailable) as caught:
        take_turn(model_at(api.url))
    assert (len(api.requests), caught.value.attempts) == (3, 3)
    assert caught.value.message == "The model's server failed (HTTP 500)."


@pytest.mark.parametrize("seconds", ["120", "3600"])
def test_a_wait_longer_than_ours_fails_at_once(seconds: str) -> None:
    started = time.monotonic()
    with serve([fake.busy(retry_after=seconds)] * 2) as api, pytest.raises(ModelError) as caught:
        take_turn(model_at(api.url, patience=Patience()), within=60)
    assert type(caught.value) is ModelUnavailable
    assert time.monotonic() - started < 1
    assert len(api.requests) == 1
    assert caught.value.message == (
        f"The model's server is busy and asks to wait {seconds} seconds."
    )


def test_a_wait_past_the_deadline_fails_at_once() -> None:
    started = time.monotonic()
    with serve([fake.busy(retry_after="5")] * 2) as api, pytest.raises(ModelUnavailable):
        take_turn(model_at(api.url, patience=Patience()), within=1)
    assert time.monotonic() - started < 1


def test_waits_together_stay_within_the_bound() -> None:
    patience = Patience(attempts=9, first_wait=0.01, total_wait=0.25)
    with serve([fake.busy(retry_after="0.1")] * 9) as api, pytest.raises(ModelUnavailable):
        take_turn(model_at(api.url, patience=patience))
    assert len(api.requests) == 3


def test_a_server_that_is_not_there_is_tried_again_and_named_plainly() -> None:
    with serve([]) as api:
        url = api.url
    with pytest.raises(ModelUnavailable) as caught:
        take_turn(model_at(url))
    assert caught.value.message == "The model's server cannot be reached."
    assert caught.value.attempts == 3


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            fake.rejects(400, "invalid_request_error", "prompt is too long"),
            "The model's server refused the request (HTTP 400): prompt is too long.",
        ),
        (
            fake.rejects(401, "authentication_error", "bad key sk-test-1"),
            "The model's server does not accept this deployment's key.",
        ),
        (
            fake.rejects(403, "permission_error", "not for sk-test-1"),
            "The model's server forbids this deployment to use the model.",
        ),
        (
            fake.rejects(404, "not_found_error", "model: nope"),
            "The model's server does not know the model claude-sonnet-5-5, or has no Messages API.",
        ),
        (
            fake.Refuse(413, "<html>too large</html>", content_type="text/html"),
            "The question with its tools and results is too long for the model's server.",
        ),
        (
            fake.Refuse(307, "", {"location": "http://127.0.0.1:9/v1/messages"}),
            "The model's server refused the request (HTTP 307).",
        ),
    ],
)
def test_a_final_refusal_is_not_repeated(refusal: fake.Refuse, message: str) -> None:
    with serve([refusal, says("Noon.")]) as api, pytest.raises(ModelRefused) as caught:
        take_turn(model_at(api.url))
    assert (caught.value.message, caught.value.status) == (message, refusal.status)
    assert len(api.requests) == 1


def test_a_final_error_inside_the_stream_is_not_repeated() -> None:
    turn = says("Noon.", error="invalid_request_error")
    with serve([turn, says("Noon.")]) as api, pytest.raises(ModelRefused):
        take_turn(model_at(api.url))
    assert len(api.requests) == 1


# --- a cut stream is never a turn -----------------------------------------------------------

ASKING = {"text": "I look it up.", "thinking": "Which zone?"}
CUTS = [
    (fake.IN_TEXT, False),
    (fake.IN_TEXT, True),
    (fake.IN_TOOL_USE, False),
    (fake.IN_TOOL_USE, True),
    (fake.AFTER_BLOCK, False),
    (fake.AFTER_BLOCK, True),
    (fake.BEFORE_STOP, False),
    (fake.BEFORE_STOP, True),
]


@pytest.mark.parametrize(("cut", "cleanly"), CUTS)
def test_a_cut_stream_yields_no_tool_use(cut: str, cleanly: bool) -> None:
    turn = uses(("time__now", {"zone": "UTC"}), **ASKING, cut=cut, cleanly=cleanly)
    with serve([turn] * 3) as api, pytest.raises(ModelCut) as caught:
        take_turn(model_at(api.url))
    assert len(api.requests) == 3
    assert caught.value.message == "The model's answer broke off before it was complete."


@pytest.mark.parametrize(("cut", "cleanly"), CUTS)
def test_after_a_cut_the_whole_turn_is_repeated_and_the_screen_cleared(
    cut: str, cleanly: bool
) -> None:
    call = ("time__now", {"zone": "UTC"})
    listener = Listener()
    whole = uses(call, text="I look again.")
    with serve([uses(call, **ASKING, cut=cut, cleanly=cleanly), whole]) as api:
        reply = take_turn(model_at(api.url), listener)
    assert [(use.name, use.arguments) for use in reply.tool_uses] == [call]
    assert reply.content == list(whole.blocks)
    assert ("".join(listener.pieces), listener.restarts) == ("I look again.", 1)


def test_a_retry_before_any_text_is_no_restart() -> None:
    listener = Listener()
    with serve([fake.Refuse(500), says("Noon.")]) as api:
        take_turn(model_at(api.url), listener)
    assert listener.restarts == 0


@pytest.mark.parametrize(
    "arguments", ['{"zone": "UTC"', '{"zone": "UTC", "zone": "EST"}', '["UTC"]', '{"zone": NaN}x']
)
def test_arguments_that_are_not_one_strict_object_are_no_tool_use(arguments: str) -> None:
    turn = uses(("time__now", {"zone": "UTC"}), written=arguments)
    with serve([turn] * 3) as api, pytest.raises(ModelCut):
        take_turn(model_at(api.url))
    assert len(api.requests) == 3


# --- silence ends in time -------------------------------------------------------------


@pytest.mark.parametrize(
    "endless", [fake.Pings(), fake.Pings(text="Wait"), fake.Hang()], ids=["pings", "text", "hang"]
)
def test_endless_silence_ends_at_the_deadline(endless: Any) -> None:
    started = time.monotonic()
    with serve([endless]) as api, pytest.raises(ModelTimedOut):
        take_turn(model_at(api.url), within=0.3)
    assert 0.29 <= time.monotonic() - started < 0.8
    assert len(api.requests) == 1


def test_the_models_own_timeout_bounds_a_turn_too() -> None:
    started = time.monotonic()
    with serve([fake.Hang()]) as api, pytest.raises(ModelTimedOut):
        take_turn(model_at(api.url, timeout=0.2), within=30)
    assert time.monotonic() - started < 0.8


@pytest.mark.parametrize("endless", [fake.Pings(text="Wait"), fake.Hang()], ids=["pings", "hang"])
def test_a_cancelled_question_stops_listening_at_once(endless: Any) -> None:
    cancel = threading.Event()
    threading.Timer(0.15, cancel.set).start()
    started = time.monotonic()
    with serve([endless]) as api, pytest.raises(ModelCancelled):
        take_turn(model_at(api.url), within=30, cancelled=cancel.is_set)
    assert time.monotonic() - started < 0.6


def test_a_cancelled_question_closes_the_stream() -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with serve([fake.Pings()]) as api:
        with pytest.raises(ModelCancelled):
            take_turn(model_at(api.url), within=30, cancelled=cancel.is_set)
        assert api.left_early.wait(1)


def test_a_question_cancelled_between_attempts_is_not_tried_again() -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    patience = Patience(first_wait=5, poll=0.01)
    with serve([fake.Refuse(500)] * 2) as api, pytest.raises(ModelCancelled):
        take_turn(model_at(api.url, patience=patience), within=30, cancelled=cancel.is_set)
    assert len(api.requests) == 1


def test_a_consumer_that_fails_ends_the_stream() -> None:
    def fail(_text: str) -> None:
        raise OSError("no screen")

    with serve([fake.Pings(text="Wait")]) as api:
        with pytest.raises(OSError, match="no screen"):
            model_at(api.url).turn(
                system="",
                tools=[],
                messages=QUESTION,
                on_delta=fail,
                deadline=time.monotonic() + 5,
                cancelled=lambda: False,
            )
        assert api.left_early.wait(1)


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


def test_errors_name_no_key() -> None:
    refusal = fake.rejects(401, "authentication_error", "bad key sk-test-1")
    with serve([refusal]) as api, pytest.raises(ModelError) as caught:
        take_turn(model_at(api.url))
    assert "sk-test-1" not in str(caught.value)
