"""Our MCP client as the suite runs it: `python -m tests.conformance.client URL`.

It does what OMNI2 does with a server: read its tools, call one. Where the server wants to know who
is calling, it goes the way of a person who connects their account, with the suite's authorization
server as the browser that says yes.
"""

import json
import os
import re
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

import httpx2

from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import HttpRefused
from registry.oauth import discovery, grants
from registry.oauth.web import Web

REDIRECT = "http://127.0.0.1:1/callback"
# Where the suite takes our document to lie; it looks at the address alone.
DOCUMENT = "https://conformance-test.local/client-metadata.json"
MOST_TRIES = 3
# The suite runs all scenarios at once.
PATIENT = {"connect_timeout": 60.0, "call_timeout": 60.0}
# Nobody sits at this client: forms are answered as for a server with `may_ask: [defaults]`.


# The suite's servers are on ports of the loopback that nobody knows before.
LOOPBACK = frozenset(
    f"{host}:{port}" for host in ("127.0.0.1", "localhost") for port in range(1024, 65536)
)


def main() -> None:
    url, context = sys.argv[-1], json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    client = Connections()
    headers: dict[str, str] = {}
    scope = ""
    for _ in range(MOST_TRIES):
        try:
            use(
                client,
                Endpoint(
                    "suite",
                    "http",
                    url,
                    headers,
                    internal_addresses=LOOPBACK,
                    answers_forms=True,
                    **PATIENT,
                ),
                context,
            )
            break
        except HttpRefused as refused:
            if refused.status not in (401, 403):
                raise
            # What was granted before is asked for again: a step up is no change of mind.
            scope = " ".join(dict.fromkeys([*scope.split(), *asked_scope(refused).split()]))
            headers = {"Authorization": f"Bearer {connected(url, context, scope)}"}
    client.close_all()


def use(client: Connections, endpoint: Endpoint, context: dict[str, Any]) -> None:
    """Read the tools, and call what the scenario says, or the first."""
    tools = client.list_tools(endpoint).tools
    calls = context.get("toolCalls") or [
        {"name": tool["name"], "arguments": sample(tool.get("inputSchema", {}))} for tool in tools
    ]
    for call in calls:
        client.call_tool(endpoint, call["name"], call["arguments"])


def sample(schema: dict[str, Any]) -> dict[str, Any]:
    """Some arguments that fit."""
    values = {"number": 2, "integer": 2, "boolean": True, "array": [], "object": {}}
    return {
        name: values.get(one.get("type"), "text")
        for name, one in schema.get("properties", {}).items()
    }


# --- Connecting an account ------------------------------------------------------------------------
def asked_scope(refused: HttpRefused) -> str:
    """The scope that a refusal says is missing."""
    found = re.search(r'\bscope="([^"]*)"', refused.www_authenticate)
    return found[1] if found else ""


def connected(url: str, context: dict[str, Any], scope: str) -> str:
    """An access token for the server, as a person would get it by `registry.connecting`."""
    web = Web(LOOPBACK)
    resource = discovery.resource_at(url, web)
    authority = discovery.authority_of(resource.issuer, web)
    client = registered(authority, context, web)
    grant = grants.Grant(authority.token_endpoint, client, resource.name, scope or resource.scope)
    verifier = grants.new_verifier()
    code = said_yes(authority, grant, verifier)
    return grants.exchange(
        grant, web, code=code, verifier=verifier, redirect_uri=REDIRECT
    ).access_token


def registered(authority: discovery.Authority, context: dict[str, Any], web: Web) -> grants.Client:
    """The client that the scenario gives, else that of our document, or one registered now."""
    if context.get("client_id"):
        secret = context.get("client_secret", "")
        return grants.Client(context["client_id"], secret, grants.method_for(authority, secret))
    return grants.published(authority, DOCUMENT) or grants.register(authority, REDIRECT, web)


def said_yes(authority: discovery.Authority, grant: grants.Grant, verifier: str) -> str:
    """The code that the browser brings back from the authorization server."""
    state = "of-this-browser"
    address = grants.authorization_url(
        authority, grant, redirect_uri=REDIRECT, state=state, verifier=verifier
    )
    answer = httpx2.get(address, trust_env=False)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    if back.get("state") != [state]:
        raise SystemExit("the answer belongs to another attempt")
    return back["code"][0]


if __name__ == "__main__":
    main()
