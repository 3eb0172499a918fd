"""Every way a model's server can fail, over real HTTP (rows R-14 to R-17 of the threat model)."""

import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from gateway.llm.base import (
    ModelCancelled,
    ModelCut,
    ModelError,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
)
from gateway.llm.patience import Patience
from tests.fakes import messages_api as fake
from tests.fakes.messages_api import says, serve, uses
from tests.gateway.turning import QUESTION, Listener, model_at, take_turn

# One worker for all that import the SDK: 2 s of CPU each.
pytestmark = pytest.mark.xdist_group("anthropic")


@pytest.fixture(scope="module", autouse=True)
def sdk() -> None:
    """Import the SDK before a clock runs: on a busy machine that takes longer than a turn may."""
    model_at("http://127.0.0.1").prepare()


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
    assert second - first >= 0.3


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
    assert time.monotonic() - started < 5
    assert len(api.requests) == 1
    assert caught.value.message == (
        f"The model's server is busy and asks to wait {seconds} seconds."
    )


def test_a_wait_past_the_deadline_fails_at_once() -> None:
    started = time.monotonic()
    with serve([fake.busy(retry_after="20")] * 2) as api, pytest.raises(ModelUnavailable):
        take_turn(model_at(api.url, patience=Patience()), within=15)
    assert time.monotonic() - started < 5


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
    assert 0.29 <= time.monotonic() - started < 3
    assert len(api.requests) == 1


def test_the_models_own_timeout_bounds_a_turn_too() -> None:
    started = time.monotonic()
    with serve([fake.Hang()]) as api, pytest.raises(ModelTimedOut):
        take_turn(model_at(api.url, timeout=0.2), within=30)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("endless", [fake.Pings(text="Wait"), fake.Hang()], ids=["pings", "hang"])
def test_a_cancelled_question_stops_listening_at_once(endless: Any) -> None:
    cancel = threading.Event()
    threading.Timer(0.15, cancel.set).start()
    started = time.monotonic()
    with serve([endless]) as api, pytest.raises(ModelCancelled):
        take_turn(model_at(api.url), within=30, cancelled=cancel.is_set)
    assert time.monotonic() - started < 3


def test_a_cancelled_question_closes_the_stream() -> None:
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    with serve([fake.Pings()]) as api:
        with pytest.raises(ModelCancelled):
            take_turn(model_at(api.url), within=30, cancelled=cancel.is_set)
        assert api.left_early.wait(5)


def test_a_question_cancelled_between_attempts_is_not_tried_again() -> None:
    patience = Patience(first_wait=5, poll=0.01)
    asked: list[float] = []

    def cancelled() -> bool:
        """Some time after the first request, which is refused at once."""
        if api.requests and not asked:
            asked.append(time.monotonic())
        return bool(asked) and time.monotonic() - asked[0] > 0.3

    with serve([fake.Refuse(500)] * 2) as api, pytest.raises(ModelCancelled):
        take_turn(model_at(api.url, patience=patience), within=30, cancelled=cancelled)
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
        assert api.left_early.wait(5)


def test_errors_name_no_key() -> None:
    refusal = fake.rejects(401, "authentication_error", "bad key sk-test-1")
    with serve([refusal]) as api, pytest.raises(ModelError) as caught:
        take_turn(model_at(api.url))
    assert "sk-test-1" not in str(caught.value)
