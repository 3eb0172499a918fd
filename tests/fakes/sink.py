"""A server that takes what is posted to it and keeps it; it fails when it is told to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.fakes.hosting import HERE, address, http_server


@dataclass
class Posted:
    """One request: where to, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """What was posted; `answers` are the next statuses, then always 204, after `seconds`."""

    address: str = ""
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    seconds: float = 0

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def forget(self) -> None:
        self.posted.clear()
        self.answers.clear()


@contextmanager
def serve(host: str = HERE) -> Iterator[Sink]:
    """A sink on a free port, closed when the block ends."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            time.sleep(sink.seconds)
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.posted.append(Posted(self.path, headers, self.rfile.read(length)))
            self.send_response(sink.answers.pop(0) if sink.answers else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http_server(Handler, host)
    sink.address = address(host, server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
