"""Slack's Web API over real HTTP, as far as OMNI2 uses it, with the checks the real one makes.

In a test:

    with serve() as slack:
        settings.SLACK_API_URL = slack.url
        slack.answer_next("chat.postMessage", Planned(status=429, headers={"Retry-After": "1"}))
        ...
        assert slack.messages[0]["text"] == "hello"

`messages` are the messages that channels show, `ephemerals` what one person alone was shown (by
`chat.postEphemeral` or through a response URL), `requests` everything that came in, refused or not.
"""

import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "xoxb-made-up-for-tests"
TEAM, BOT = "T0TEAM", "U0OMNI"


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """What one request is answered with instead of the usual.

    It is answered after `delay` seconds, or when `held` is set.
    """

    status: int = 200
    body: str = '{"ok": true}'
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    held: threading.Event | None = None


class Refusal(Exception):
    """The API's `{"ok": false, "error": …}`."""


@dataclass
class FakeSlack:
    """The state of the fake; safe to read while requests come in."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    ephemerals: list[dict[str, Any]] = field(default_factory=list)
    closed_channels: set[str] = field(default_factory=set)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    _planned: dict[str, list[Planned]] = field(default_factory=lambda: defaultdict(list))
    _clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def response_url(self) -> str:
        """A response URL of this workspace; one for as many uses as a test likes."""
        return self.url.replace("/api/", "/commands/made-up")

    def answer_next(self, method: str, *planned: Planned) -> None:
        """Answer the next requests of `method` (or of `response_url`) as planned, one each."""
        self._planned[method].extend(planned)

    def forget(self) -> None:
        """Be as new, under the same address."""
        with self._changed:
            for kept in (self.requests, self.messages, self.ephemerals):
                kept.clear()
            self.closed_channels.clear()
            self.people.clear()
            self._planned.clear()

    def called(self, method: str) -> list[Request]:
        """The requests of one method."""
        return [request for request in self.requests if request.method == method]

    def wait_for(self, reached: Callable[[], object], timeout: float = 5) -> None:
        """Return as soon as `reached()` is true; raises when it is not in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(reached()), timeout):
                raise AssertionError(f"not reached; Slack has got {self.requests}")

    def handle(self, request: Request) -> Planned:
        """Answer one request."""
        with self._changed:
            self.requests.append(request)
            planned = self._planned[request.method]
            answer = planned.pop(0) if planned else self._usual(request)
            self._changed.notify_all()
            return answer

    def _usual(self, request: Request) -> Planned:
        try:
            if request.method == "response_url":
                self.ephemerals.append(request.body)
                return Planned(body="ok")
            self._authenticate(request)
            known = {
                "auth.test": self._auth_test,
                "users.info": self._users_info,
                "chat.postMessage": self._post_message,
                "chat.postEphemeral": self._post_ephemeral,
                "chat.update": self._update,
            }.get(request.method)
            if known is None:
                raise Refusal("unknown_method")
            return Planned(body=json.dumps({"ok": True, **known(request.body)}))
        except Refusal as refusal:
            return Planned(body=json.dumps({"ok": False, "error": str(refusal)}))

    @staticmethod
    def _authenticate(request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refusal("not_authed")
        if token != TOKEN:
            raise Refusal("invalid_auth")

    def _auth_test(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "user_id": BOT, "bot_id": "B0OMNI", "url": self.url}

    def _users_info(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("user") not in self.people:
            raise Refusal("user_not_found")
        return {"user": {"id": body["user"], **self.people[body["user"]]}}

    def _post_message(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_message(body)
        thread = body.get("thread_ts")
        if thread and thread not in [message["ts"] for message in self.messages]:
            raise Refusal("thread_not_found")
        message = {**body, "ts": f"1700000000.{next(self._clock):06}"}
        self.messages.append(message)
        return {"channel": body["channel"], "ts": message["ts"], "message": message}

    def _post_ephemeral(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_message(body)
        self.ephemerals.append(body)
        return {"message_ts": f"1700000000.{next(self._clock):06}"}

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_message(body)
        place = (body.get("channel"), body.get("ts"))
        for message in self.messages:
            if (message["channel"], message["ts"]) == place:
                message.update(body)
                return {"channel": body["channel"], "ts": body["ts"]}
        raise Refusal("message_not_found")

    def _check_message(self, body: dict[str, Any]) -> None:
        blocks = body.get("blocks") or []
        if not body.get("channel"):
            raise Refusal("channel_not_found")
        if body["channel"] in self.closed_channels:
            raise Refusal("not_in_channel")
        if not (body.get("text") or blocks):
            raise Refusal("no_text")
        if len(blocks) > 50:
            raise Refusal("invalid_blocks")
        written = [block["text"] for block in blocks if block["type"] == "markdown"]
        if sum(map(len, written)) > 12_000 or len(json.dumps(blocks, ensure_ascii=False)) > 13_200:
            raise Refusal("msg_blocks_too_long")
        if any(_too_long(block) for block in blocks):
            raise Refusal("invalid_blocks")


def _too_long(block: dict[str, Any]) -> bool:
    texts = [block] if block["type"] == "section" else block.get("elements", [])
    return any(len(_text_of(one)) > 3_000 for one in texts)


def _text_of(element: dict[str, Any]) -> str:
    text = element.get("text", "")
    return str(text["text"] if isinstance(text, dict) else text)


class _Handler(BaseHTTPRequestHandler):
    slack: FakeSlack

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, kind, method = self.path.split("/", 2)
        name = method if kind == "api" else "response_url"
        answer = self.slack.handle(Request(name, dict(self.headers), self._read(body)))
        time.sleep(answer.delay)
        if answer.held is not None:
            answer.held.wait(10)
        try:
            self._write(answer)
        except OSError:
            # Whoever asked has given up waiting.
            self.close_connection = True

    def _read(self, body: bytes) -> dict[str, Any]:
        if self.headers.get_content_type() == "application/json":
            return dict(json.loads(body))
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return form | ({"blocks": json.loads(form["blocks"])} if "blocks" in form else {})

    def _write(self, answer: Planned) -> None:
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        data = answer.body.encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test that wants to know reads `requests`."""


@contextmanager
def serve() -> Iterator[FakeSlack]:
    """Run the fake on a free port of this machine until the block ends."""
    slack = FakeSlack()
    handler = type("Handler", (_Handler,), {"slack": slack})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    slack.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
