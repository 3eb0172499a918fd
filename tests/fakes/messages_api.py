"""A real HTTP server that speaks the Messages API, `POST /v1/messages`, and misbehaves on demand.

    with serve([uses(("time__now", {"zone": "UTC"})), says("Noon.")]) as api:
        ...                     # point a client at api.url
    api.requests                # what it was asked: headers and body

A script is a list of turns (see `messages_turns`), or a function from the request's body to a turn.
After the last turn of a list every request is a 400.

`python -m tests.fakes.messages_api --port 8900` serves a script that asks once for the first tool
it is offered and then answers; benchmarks use it.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.messages_turns import (
    AFTER_BLOCK,
    BEFORE_STOP,
    IN_TEXT,
    IN_TOOL_USE,
    Body,
    Hang,
    Pings,
    Refuse,
    Script,
    Step,
    Turn,
    busy,
    events_of,
    message_of,
    rejects,
    says,
    stream_of,
    uses,
)

__all__ = [
    "AFTER_BLOCK",
    "BEFORE_STOP",
    "IN_TEXT",
    "IN_TOOL_USE",
    "Hang",
    "MessagesApi",
    "Pings",
    "Refuse",
    "Request",
    "Turn",
    "busy",
    "rejects",
    "says",
    "serve",
    "uses",
]


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

    def next_turn(self, request: Request) -> Step:
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
            self._whole(200, json.dumps(message_of(turn)), "application/json")
            return
        self._open_stream()
        self.wfile.write(b"".join(self._chunk(name, data) for name, data in stream_of(turn)))
        if turn.cut and not turn.cleanly:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _ping(self, pings: Pings, body: Body) -> None:
        self._open_stream()
        turn = says(pings.text, model=body.get("model", ""))
        begun = list(events_of(turn))[: 3 if pings.text else 1]
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
    parser = argparse.ArgumentParser(description="A Messages API that asks for a tool.")
    parser.add_argument("--port", type=int, default=8900)
    with serve(ask_once, port=parser.parse_args().port) as api:
        print(f"listening on {api.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
