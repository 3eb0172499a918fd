"""A REST service with orders, its OpenAPI document, and a log of every request.

In a test:

    with serve() as service:
        connections.list_tools(service.endpoint())
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from registry.mcp.endpoint import Endpoint
from tests.fakes.hosting import HERE, address, http_server

ORDER_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
ORDER = {
    "type": "object",
    "required": ["id", "customer"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "customer": {"type": "string", "description": "Who ordered."},
        "follows": {"$ref": "#/components/schemas/Order"},
    },
}
BODY = {
    "required": True,
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
}


def document() -> dict[str, Any]:
    """What the service says of itself."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Orders", "version": "2", "description": "Orders of the shop."},
        "servers": [{"url": "/v1"}],
        "paths": {
            "/orders": {
                "get": {
                    "operationId": "find_orders",
                    "summary": "Find orders by their customer.",
                    "parameters": [
                        {
                            "name": "customer",
                            "in": "query",
                            "description": "Whose orders.",
                            "schema": {"type": "string"},
                        },
                        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    ],
                },
                "post": {
                    "operationId": "create_order",
                    "summary": "Create an order.",
                    "requestBody": BODY,
                },
            },
            "/orders/{id}": {
                "parameters": [ORDER_ID],
                "get": {"operationId": "get_order", "summary": "Get one order by its number."},
                "delete": {"operationId": "delete_order", "summary": "Delete an order."},
            },
        },
        "components": {"schemas": {"Order": ORDER}},
    }


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RestService:
    """A running service: its document, its orders, and what it was asked.

    `token`: what it wants as bearer, if anything. `answer`: instead of its own, (status, body).
    """

    document: dict[str, Any] = field(default_factory=document)
    orders: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {7: {"id": 7, "customer": "Ann"}, 8: {"id": 8, "customer": "Bob"}}
    )
    received: list[Received] = field(default_factory=list)
    token: str = ""
    answer: tuple[int, bytes] | None = None
    hang: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}/v1"

    @property
    def document_url(self) -> str:
        return f"http://{self.address}/openapi.json"

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and target of whatever was not a look at the document."""
        return [(one.method, one.target) for one in self.received if "/openapi" not in one.target]

    def endpoint(self, **changes: Any) -> Endpoint:
        settings: dict[str, Any] = {
            "url": self.url,
            "document_url": self.document_url,
            "internal_addresses": frozenset({self.address}),
            **changes,
        }
        return Endpoint(name="orders", transport="openapi", **settings)

    def respond(self, request: Received) -> tuple[int, bytes]:
        """Status and body for one request."""
        if request.target == "/openapi.json":
            return 200, json.dumps(self.document).encode()
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, b'{"detail": "who are you?"}'
        return self.answer or self._orders(request)

    def _orders(self, request: Received) -> tuple[int, bytes]:
        parts = urlsplit(request.target)
        if parts.path == "/v1/orders" and request.method == "POST":
            order = {"id": max(self.orders, default=0) + 1, **json.loads(request.body)}
            self.orders[order["id"]] = order
            return 201, json.dumps(order).encode()
        if parts.path == "/v1/orders":
            wanted = parts.query.partition("customer=")[2]
            found = [one for one in self.orders.values() if wanted in ("", one["customer"])]
            return 200, json.dumps(found).encode()
        number = parts.path.rpartition("/")[2]
        order = self.orders.get(int(number)) if number.isdigit() else None
        if order is None:
            return 404, b'{"detail": "no such order"}'
        if request.method == "DELETE":
            del self.orders[order["id"]]
            return 204, b""
        return 200, json.dumps(order).encode()


def _handler(service: RestService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: apart they would wait 40 ms for an acknowledgement.
        wbufsize = -1

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Received(self.command, self.path, headers, self.rfile.read(length))
            service.received.append(request)
            if request.target != "/openapi.json":
                service.hang.wait(20)
            status, body = service.respond(request)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *args: object) -> None:
            """Tests are quiet."""

    return Handler


@contextmanager
def serve(host: str = HERE) -> Iterator[RestService]:
    """Run one on a free port until the block ends."""
    service = RestService()
    service.hang.set()
    http = http_server(_handler(service), host)
    http.daemon_threads = True
    service.address = address(host, http.server_port)
    thread = threading.Thread(target=http.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.hang.set()
        http.shutdown()
        http.server_close()
