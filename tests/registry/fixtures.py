"""A server that lists whatever a test tells it to, and rows to register servers with.

The SDK's server checks its own tools; a hostile one does not, so this one speaks JSON-RPC by hand.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from registry.models import Server

OTHERS = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
CLOSED_PORT = 9  # discard; nothing listens there


@dataclass
class RawServer:
    """What it lists, and the status and delay with which it answers everything."""

    tools: list[Any] = field(default_factory=list)
    status: int = 200
    error: str = ""
    calls: int = 0
    # What it lists beside tools, by the key in the answer; it says so where there is any.
    others: dict[str, list[Any]] = field(default_factory=dict)
    hang: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}/mcp"

    def answer(self, method: str) -> dict[str, Any]:
        """The result of one JSON-RPC request of the 2025-11-25 generation."""
        if method == "initialize":
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": {
                    "tools": {},
                    **({"prompts": {}, "resources": {}} if self.others else {}),
                },
                "serverInfo": {"name": "raw", "version": "1"},
                "instructions": "Raw.\x00",
            }
        if method == "tools/list":
            return {"tools": self.tools}
        if method in OTHERS:
            return {OTHERS[method]: self.others.get(OTHERS[method], [])}
        if method == "tools/call":
            self.calls += 1
            return {"content": [{"type": "text", "text": "done"}]}
        return {}


def _handler(raw: RawServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: apart they would wait 40 ms for an acknowledgement.
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            raw.hang.wait()
            if raw.status != 200:
                return self._send(raw.status, raw.error.encode(), "text/plain")
            if "id" not in body:
                return self._send(202, b"", "application/json")
            if self.headers.get("MCP-Protocol-Version", "").startswith("2026"):
                error = {"code": -32600, "message": "Unsupported protocol version"}
                whole: dict[str, Any] = {"jsonrpc": "2.0", "id": body["id"], "error": error}
                return self._send(400, json.dumps(whole).encode(), "application/json")
            whole = {"jsonrpc": "2.0", "id": body["id"], "result": raw.answer(body["method"])}
            self._send(200, json.dumps(whole).encode(), "application/json")

        def do_GET(self) -> None:
            self._send(405, b"", "text/plain")

        do_DELETE = do_GET

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Tests are quiet."""

    return Handler


@contextmanager
def raw_server(tools: list[Any] | None = None) -> Iterator[RawServer]:
    """Run one on a free port until the block ends."""
    raw = RawServer(tools or [])
    raw.hang.set()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(raw))
    http.daemon_threads = True
    raw.address = f"127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield raw
    finally:
        raw.hang.set()
        http.shutdown()
        http.server_close()


def a_server(url: str, name: str = "crm", **fields: Any) -> Server:
    """The row of an HTTP server."""
    fields = {"transport": Server.Transport.HTTP, "timeout_seconds": 5, **fields}
    return Server.objects.create(name=name, url=url, **fields)


def a_tool(name: str = "search", **parts: Any) -> dict[str, Any]:
    """A tool object that there is nothing to say against."""
    return {
        "name": name,
        "description": "Search the catalogue.",
        "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}},
        **parts,
    }
