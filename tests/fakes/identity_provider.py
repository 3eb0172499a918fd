"""An OpenID Connect provider over real HTTP: discovery, authorization by code with PKCE, tokens.

What it says of somebody, and what is wrong with it, a test sets on `claims`, `userinfo` and
`spoil`.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "omni2", "client-secret"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class IdentityProvider:
    """One provider; `asked` holds the query of each authorization request."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    spoil: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def forget(self) -> None:
        self.claims, self.userinfo, self.spoil = {}, None, ""
        self.asked.clear()
        self.codes.clear()

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Log the person in without a question, and give the way back with a code."""
        self.asked.append(query)
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code of ours, its verifier and the client's secret; each code once."""
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        client = (form.get("client_id"), form.get("client_secret"))
        if asked is None or asked.get("code_challenge_method") != "S256":
            return None
        if asked["code_challenge"] != challenge or client != (CLIENT, SECRET):
            return None
        if asked["redirect_uri"] != form.get("redirect_uri"):
            return None
        tokens = {"access_token": "at", "token_type": "Bearer", "expires_in": 60}
        return tokens if self.spoil == "no id token" else tokens | {"id_token": self.id_token()}

    def access_token(self, audience: str, **changes: Any) -> str:
        """A token for a resource; `changes` are claims, and `key`, `kid`, `algorithm`."""
        now = int(time.time())
        key, kid = changes.pop("key", KEY), changes.pop("kid", "one")
        algorithm = changes.pop("algorithm", "RS256")
        said = {"iss": self.url, "aud": audience, "iat": now, "exp": now + 60, **self.claims}
        said = {name: value for name, value in (said | changes).items() if value is not None}
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})

    def id_token(self) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60} | self.claims
        said |= {"issuer": {"iss": "https://other.example"}, "audience": {"aud": "other"}}.get(
            self.spoil, {}
        )
        if self.spoil == "expired":
            said["exp"] = now - 60
        if self.spoil == "none":
            return jwt.encode(said, None, algorithm="none", headers={"kid": "one"})
        if self.spoil == "hmac":
            return jwt.encode(said, "x" * 64, algorithm="HS256", headers={"kid": "one"})
        key = OTHER_KEY if self.spoil == "signature" else KEY
        kid = "two" if self.spoil == "key" else "one"
        return jwt.encode(said, key, algorithm="RS256", headers={"kid": kid})


@contextmanager
def serve() -> Iterator[IdentityProvider]:
    """Run a provider on a port of its own."""
    provider = IdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(place.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
                return
            found = {
                "/.well-known/openid-configuration": provider.discovery,
                "/jwks": provider.jwks,
                "/userinfo": lambda: provider.userinfo or provider.claims,
            }.get(place.path)
            self._say(found() if found and provider.spoil != "down" else None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(length).decode())
            self._say(provider.token({name: values[0] for name, values in form.items()}))

        def _say(self, body: dict[str, Any] | None) -> None:
            self.send_response(200 if body is not None else 400)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body or {"error": "invalid_grant"}).encode())

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
