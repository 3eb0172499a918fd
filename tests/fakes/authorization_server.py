"""An OAuth 2.1 authorization server over real HTTP, and a real MCP server that it protects.

In a test:

    with serve() as protected:
        protected.authority.person = "dev"          # who says yes at /authorize
        protected.authority.lifetime = 60
        protected.upstream.calls                    # what the MCP server was asked

It checks what a good one checks: PKCE, redirect address, resource, client, each code once, each
refresh token once. What is wrong with it, or with what the MCP server says of it, a test sets on
`changes` and `resource_changes`: values that replace those of its metadata, None leaves one out.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes import mcp_server
from tests.fakes.hosting import HERE, address, http_server
from tests.fakes.mcp_tools import READ_ONLY, FakeTool, default_tools

METADATA = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource/mcp"
Form = dict[str, str]


@dataclass
class Authority:
    """The authorization server; `asked` is every request to it as (path, form or query)."""

    url: str = ""
    resource: str = ""
    person: str = "dev"
    lifetime: int | None = 3600
    refreshes: bool = True
    delay: threading.Event = field(default_factory=threading.Event)
    changes: dict[str, Any] = field(default_factory=dict)
    resource_changes: dict[str, Any] = field(default_factory=dict)
    # (status, JSON) with which /token answers instead.
    refusal: tuple[int, dict[str, Any]] | None = None
    asked: list[tuple[str, Form]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    clients: dict[str, Form] = field(default_factory=dict)
    codes: dict[str, Form] = field(default_factory=dict)
    # Access token → person; refresh token → person and client.
    tokens: dict[str, str] = field(default_factory=dict)
    refreshing: dict[str, tuple[str, str]] = field(default_factory=dict)
    # How the document is read that a client's id is the address of.
    read: Callable[[str], dict[str, Any]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """As it was at the beginning."""
        self.person, self.lifetime, self.refreshes, self.refusal = "dev", 3600, True, None
        self.read = None
        self.delay.set()
        for kept in (self.changes, self.resource_changes, self.clients, self.codes):
            kept.clear()
        self.tokens.clear()
        self.refreshing.clear()
        self.asked.clear()
        self.headers.clear()

    def count(self, grant: str) -> int:
        """How often tokens were asked for by this kind of grant."""
        forms = [form for path, form in self.asked if path == "/token"]
        return sum(form.get("grant_type") == grant for form in forms)

    def metadata(self) -> dict[str, Any]:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "revocation_endpoint": f"{self.url}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }
        return _changed(said, self.changes)

    def resource_metadata(self) -> dict[str, Any]:
        said = {
            "resource": self.resource,
            "authorization_servers": [self.url],
            "scopes_supported": ["notes"],
        }
        return _changed(said, self.resource_changes)

    def answer(self, path: str, form: dict[str, Any], proof: str) -> tuple[int, dict[str, Any]]:
        """What a POST is answered with: status and JSON."""
        if path == "/register":
            return 201, self.register(form)
        client = self._proven(form, proof)
        if client is None:
            return 401, {"error": "invalid_client"}
        if path == "/revoke":
            self._revoke(form)
            return 200, {}
        return self._token(form, client)

    def register(self, wanted: dict[str, Any]) -> dict[str, Any]:
        client = {"redirect_uri": wanted["redirect_uris"][0], "secret": ""}
        name = f"client-{secrets.token_hex(4)}"
        self.clients[name] = client
        return {"client_id": name, "token_endpoint_auth_method": "none"}

    def add_client(self, name: str, secret: str, redirect_uri: str = "") -> None:
        """A client that an administrator registered by hand."""
        self.clients[name] = {"redirect_uri": redirect_uri, "secret": secret}

    def authorize(self, query: Form) -> str | None:
        """The person says yes: the way back with a code; None for what a good server refuses."""
        client = self._client(query.get("client_id", ""))
        if client is None or query.get("redirect_uri") != client["redirect_uri"]:
            return None
        if query.get("code_challenge_method") != "S256" or not query.get("state"):
            return None
        code = secrets.token_hex(8)
        self.codes[code] = query | {"person": self.person}
        said = {"code": code, "state": query["state"], "iss": self.url}
        return f"{query['redirect_uri']}?{urlencode(said)}"

    def _client(self, name: str) -> dict[str, str] | None:
        """The client of this id; one whose id is an address is as the document there says."""
        if name.startswith("https://") and self.read is not None:
            said = self.read(name)
            if said.get("client_id") == name and said["token_endpoint_auth_method"] == "none":
                self.clients[name] = {"redirect_uri": said["redirect_uris"][0], "secret": ""}
        return self.clients.get(name)

    def _token(self, form: Form, client: str) -> tuple[int, dict[str, Any]]:
        self.delay.wait()
        if self.refusal is not None:
            return self.refusal
        with self._lock:
            if form.get("resource") != self.resource:
                return 400, {"error": "invalid_target"}
            grant = form.get("grant_type")
            if grant == "authorization_code":
                return self._by_code(form, client)
            if grant == "refresh_token":
                person, owner = self.refreshing.pop(form.get("refresh_token", ""), ("", ""))
                good = person and owner == client
                return (200, self.give(person, client)) if good else _invalid_grant()
            if grant == "client_credentials" and self.clients[client]["secret"]:
                given = self.give("the gateway", client)
                given.pop("refresh_token", None)
                return 200, given
            return 400, {"error": "unsupported_grant_type"}

    def give(self, person: str, client: str = "") -> dict[str, Any]:
        """Fresh tokens of this person."""
        token, again = secrets.token_hex(16), secrets.token_hex(16)
        self.tokens[token] = person
        given: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "scope": "notes"}
        if self.lifetime is not None:
            given["expires_in"] = self.lifetime
        if self.refreshes:
            self.refreshing[again] = (person, client)
            given["refresh_token"] = again
        return given

    def _revoke(self, form: Form) -> None:
        token = form.get("token", "")
        self.tokens.pop(token, None)
        self.refreshing.pop(token, None)

    def _proven(self, form: Form, header: str) -> str | None:
        """The client that this request proves to come from."""
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if header.startswith("Basic "):
            pair = base64.b64decode(header.removeprefix("Basic ")).decode()
            name, secret = (unquote(part) for part in pair.split(":"))
        client = self.clients.get(name)
        return name if client is not None and client["secret"] == secret else None

    def _by_code(self, form: Form, client: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["client_id"] != client:
            return _invalid_grant()
        if any(asked.get(name) != form.get(name) for name in ("redirect_uri", "resource")):
            return _invalid_grant()
        return 200, self.give(asked["person"], client)


@dataclass(frozen=True)
class Protected:
    """Both servers, and the tool `whoami`, which says whose token came."""

    authority: Authority
    upstream: mcp_server.Upstream

    @property
    def addresses(self) -> list[str]:
        """What the operator has to list, for it is all on this machine."""
        return [urlsplit(self.authority.url).netloc, self.upstream.address]

    def forget(self) -> None:
        self.authority.forget()
        self.upstream.calls.clear()
        self.upstream.requests.clear()


class _Guarded:
    """Lets only requests with a token of the authority through to the MCP server."""

    def __init__(self, app: ASGIApp, authority: Authority, upstream: mcp_server.Upstream) -> None:
        self.app, self.authority, self.upstream = app, authority, upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        if request.url.path.startswith("/.well-known/"):
            known = request.url.path == RESOURCE
            said = JSONResponse(self.authority.resource_metadata()) if known else Response("", 404)
            return await said(scope, receive, send)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.authority.tokens:
            return await self.app(scope, receive, send)
        where = f"http://{self.upstream.address}{RESOURCE}"
        where = self.authority.resource_changes.get("resource_metadata", where)
        challenge = {"WWW-Authenticate": f'Bearer resource_metadata="{where}", scope="notes"'}
        await Response("", 401, challenge)(scope, receive, send)


@contextmanager
def serve(host: str = HERE) -> Iterator[Protected]:
    """Run both on ports of their own until the block ends."""
    authority = Authority()
    authority.delay.set()
    http = http_server(_handler(authority), host)
    http.daemon_threads = True
    authority.url = f"http://{address(host, http.server_port)}"
    threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
    listening = mcp_server.listen(host=host)
    upstream = mcp_server.Upstream(listening.getsockname()[1], host)
    upstream.tools = [*default_tools(), _whoami(authority)]
    authority.resource = upstream.url
    app = _Guarded(mcp_server.application(upstream), authority, upstream)
    try:
        with mcp_server.running(app, listening):
            yield Protected(authority, upstream)
    finally:
        http.shutdown()
        http.server_close()


def _whoami(authority: Authority) -> FakeTool:
    def run(arguments: dict[str, Any], headers: dict[str, str]) -> str:
        return authority.tokens.get(headers["authorization"].removeprefix("Bearer "), "nobody")

    return FakeTool("get_owner", run, "Whose account this is.", {}, READ_ONLY)


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(place.query).items()}
            authority.asked.append((place.path, query))
            if place.path == "/authorize":
                return self._redirect(authority.authorize(query))
            found = place.path == METADATA
            self._say(200 if found else 404, authority.metadata() if found else {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            authority.headers.append(dict(self.headers))
            if self.path == "/register":
                form = json.loads(body)
            else:
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            authority.asked.append((self.path, form))
            proof = self.headers.get("Authorization", "")
            self._say(*authority.answer(self.path, form, proof))

        def _redirect(self, where: str | None) -> None:
            if where is None:
                return self._say(400, {"error": "invalid_request"})
            self.send_response(302)
            self.send_header("Location", where)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _say(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Tests are quiet."""

    return Handler


def _changed(said: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = said | changes
    return {name: value for name, value in merged.items() if value is not None}


def _invalid_grant() -> tuple[int, dict[str, Any]]:
    return 400, {"error": "invalid_grant"}
