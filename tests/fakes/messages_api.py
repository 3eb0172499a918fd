"""A real HTTP server that speaks the Messages API, `POST /v1/messages`, and misbehaves on demand.

    with serve([uses(("time__now", {"zone": "UTC"})), says("Noon.")]) as api:
        ...                     # point a client at api.url
    api.requests                # what it was asked: headers and body

A script is a list of turns, or a function from the request's body to a turn. A turn is a `Turn`, or
trouble: `Refuse`, `Hang`, `Pings`. After the last turn of a list every request is a 400.

`python -m tests.fakes.messages_api --port 8900` serves a script that asks once for the first tool
it is offered and then answers; benchmarks use it.
"""

import argparse
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Block = dict[str, Any]
Body = dict[str, Any]
Event = tuple[str, dict[str, Any]]

USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}
# Where a stream can be cut: inside a text, inside a tool's arguments, after a whole block, and after
# the turn's end was announced but before its last event.
IN_TEXT, IN_TOOL_USE, AFTER_BLOCK, BEFORE_STOP = "text", "tool_use", "after_block", "before_stop"


@dataclass(frozen=True)
class Turn:
    """An answer. `usage` holds what is sent and nothing else; `delay` is in seconds.

    `cut` ends the stream early: abruptly, or `cleanly` as a proxy does. `error` sends an error event
    of that type instead of the rest. `broken` writes this instead of the first delta's data.
    """

    blocks: tuple[Block, ...]
    stop: str = "end_turn"
    usage: Mapping[str, int] = field(default_factory=lambda: USAGE)
    model: str = ""
    delay: float = 0
    cut: str = ""
    cleanly: bool = False
    error: str = ""
    broken: str = ""


@dataclass(frozen=True)
class Refuse:
    """An HTTP answer that is no message."""

    status: int
    body: str = '{"type":"error","error":{"type":"api_error","message":"Internal error"}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Hang:
    """The request is read and never answered."""


@dataclass(frozen=True)
class Pings:
    """The stream begins, and then there are only pings, for ever."""

    every: float = 0.02
    text: str = ""


Script = Sequence[Turn | Refuse | Hang | Pings] | Callable[[Body], Turn | Refuse | Hang | Pings]
_ids = itertools.count(1)


def says(text: str, *, thinking: str = "", **values: Any) -> Turn:
    """A turn that is text."""
    return Turn((*_thoughts(thinking), {"type": "text", "text": text}), **values)


def uses(
    *calls: tuple[str, Mapping[str, Any]], text: str = "", thinking: str = "", **values: Any
) -> Turn:
    """A turn that asks for tools, each given as (name, arguments)."""
    said = ({"type": "text", "text": text},) if text else ()
    asked = tuple(
        {"type": "tool_use", "id": f"toolu_{next(_ids):08}", "name": name, "input": dict(arguments)}
        for name, arguments in calls
    )
    return Turn((*_thoughts(thinking), *said, *asked), **{"stop": "tool_use"} | values)


def _thoughts(thinking: str) -> tuple[Block, ...]:
    if not thinking:
        return ()
    return ({"type": "thinking", "thinking": thinking, "signature": "c2lnbmVk"},)


def busy(retry_after: str = "", status: int = 429) -> Refuse:
    """A rate limit, or another refusal that asks to wait."""
    kind = "overloaded_error" if status == 529 else "rate_limit_error"
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "Too many requests"}})
    return Refuse(status, body, {"retry-after": retry_after} if retry_after else {})


def rejects(status: int, kind: str, message: str) -> Refuse:
    """A refusal that will not change by waiting."""
    return Refuse(
        status, json.dumps({"type": "error", "error": {"type": kind, "message": message}})
    )


@dataclass(frozen=True)
class Request:
    """What came in; header names are in lower case, `at` is of `time.monotonic()`."""

    path: str
    headers: Mapping[str, str]
    body: Body
    at: float


class MessagesApi:
    """The server's face to a test."""

    def __init__(self, script: Script, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []
        self.left_early = threading.Event()
        self.closing = threading.Event()
        self._script = script if callable(script) else list(script)
        self._lock = threading.Lock()

    def next_turn(self, request: Request) -> Turn | Refuse | Hang | Pings:
        with self._lock:
            self.requests.append(request)
            if callable(self._script):
                return self._script(request.body)
            if len(self.requests) <= len(self._script):
                return self._script[len(self.requests) - 1]
        return rejects(400, "invalid_request_error", "The fake's script has no more turns.")


@contextmanager
def serve(script: Script, *, port: int = 0) -> Iterator[MessagesApi]:
    """Serve a script on a free port of 127.0.0.1 until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.api = MessagesApi(script, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server.api
    finally:
        server.api.closing.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    api: MessagesApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what some tests are about."""
        self.api.left_early.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: object) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body, time.monotonic())
        if self.path != "/v1/messages":
            self._refuse(rejects(404, "not_found_error", f"No such path: {self.path}"))
            return
        turn = self.server.api.next_turn(request)
        if isinstance(turn, Refuse):
            self._refuse(turn)
        elif isinstance(turn, Hang):
            self.server.api.closing.wait()
            self.close_connection = True
        elif isinstance(turn, Pings):
            self._ping(turn, body)
        else:
            self._answer(replace(turn, model=turn.model or body.get("model", "")), body)

    def _refuse(self, refusal: Refuse) -> None:
        self._whole(refusal.status, refusal.body, refusal.content_type, refusal.headers)

    def _whole(
        self, status: int, text: str, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, turn: Turn, body: Body) -> None:
        self.server.api.closing.wait(turn.delay)
        if not body.get("stream"):
            self._whole(200, json.dumps(_message(turn)), "application/json")
            return
        self._open_stream()
        self.wfile.write(b"".join(self._chunk(name, data) for name, data in _cut(turn)))
        if turn.cut and not turn.cleanly:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _ping(self, pings: Pings, body: Body) -> None:
        self._open_stream()
        turn = says(pings.text, model=body.get("model", ""))
        begun = list(_events(turn))[: 3 if pings.text else 1]
        self.wfile.write(b"".join(self._chunk(name, data) for name, data in begun))
        while not self.server.api.closing.wait(pings.every):
            self.wfile.write(self._chunk("ping", {"type": "ping"}))
        self.close_connection = True

    def _open_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, name: str, data: dict[str, Any] | str) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        content = f"event: {name}\ndata: {text}\n\n".encode()
        return b"%x\r\n%s\r\n" % (len(content), content)


def _message(turn: Turn) -> dict[str, Any]:
    return {
        "id": f"msg_{next(_ids):08}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": list(turn.blocks),
        "stop_reason": turn.stop,
        "stop_sequence": None,
        "usage": dict(turn.usage),
    }


def _cut(turn: Turn) -> list[tuple[str, Any]]:
    """The events of a turn as far as they shall be sent."""
    events: list[tuple[str, Any]] = list(_events(turn))
    if turn.broken:
        at = _place(events, "content_block_delta")
        return [*events[:at], (events[at][0], turn.broken)]
    if turn.error:
        at = _place(events, "content_block_delta") + 1
        problem = {"type": turn.error, "message": "Something went wrong"}
        return [*events[:at], ("error", {"type": "error", "error": problem})]
    ends = {
        IN_TEXT: lambda: _place(events, "content_block_delta", "text_delta") + 1,
        IN_TOOL_USE: lambda: _place(events, "content_block_delta", "input_json_delta") + 1,
        AFTER_BLOCK: lambda: len(events) - 2,
        BEFORE_STOP: lambda: len(events) - 1,
    }
    return events[: ends[turn.cut]()] if turn.cut else events


def _place(events: Sequence[Event], name: str, delta: str = "") -> int:
    return next(
        place
        for place, (event, data) in enumerate(events)
        if event == name and (not delta or data["delta"]["type"] == delta)
    )


def _events(turn: Turn) -> Iterator[Event]:
    """The stream of a whole turn, as the API documents it."""
    begun = {**_message(turn), "content": [], "stop_reason": None}
    if "output_tokens" in turn.usage:
        begun["usage"] = {**turn.usage, "output_tokens": 1}
    yield "message_start", {"type": "message_start", "message": begun}
    for index, block in enumerate(turn.blocks):
        empty, deltas = _pieces(block)
        yield (
            "content_block_start",
            {"type": "content_block_start", "index": index, "content_block": empty},
        )
        for delta in deltas:
            yield (
                "content_block_delta",
                {"type": "content_block_delta", "index": index, "delta": delta},
            )
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": turn.stop, "stop_sequence": None}
    output = {key: value for key, value in turn.usage.items() if key == "output_tokens"}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": output}
    yield "message_stop", {"type": "message_stop"}


def _pieces(block: Block) -> tuple[Block, list[dict[str, Any]]]:
    """A block as it starts, and the deltas that fill it."""
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": part} for part in _halves(block["text"])]
        return {**block, "text": ""}, deltas
    if block["type"] == "tool_use":
        written = json.dumps(block["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in _halves(written)]
        return {**block, "input": {}}, deltas
    if block["type"] == "thinking":
        thought = [
            {"type": "thinking_delta", "thinking": part} for part in _halves(block["thinking"])
        ]
        signature = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thought, signature]
    return block, []


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


def ask_once(body: Body) -> Turn:
    """Ask for the first tool that is offered, and answer when its result is there."""
    last = body["messages"][-1]["content"]
    answered = not isinstance(last, str) and any(one.get("type") == "tool_result" for one in last)
    if answered or not body.get("tools"):
        return says("Done.")
    tool = body["tools"][0]
    required = tool["input_schema"].get("required", [])
    return uses((tool["name"], dict.fromkeys(required, "benchmark")))


def main() -> None:
    parser = argparse.ArgumentParser(
        description="A Messages API that asks for one tool, then answers."
    )
    parser.add_argument("--port", type=int, default=8900)
    with serve(ask_once, port=parser.parse_args().port) as api:
        print(f"listening on {api.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
