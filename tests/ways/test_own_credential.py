"""An upstream sees the credential of the registry, and nothing that a caller sent (T-29)."""

import pytest

from registry.credentials import seal
from registry.models import Server

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "T29-the-gateways-own-token"
# What a caller might try to have passed on; `Authorization` is what it proves itself with.
SENT = {
    "X-Upstream-Authorization": "Bearer T29-callers",
    "X-API-Key": "T29-callers",
    "Cookie": "upstream=T29-callers",
    "Mcp-Session-Id": "T29-callers",
    "Mcp-Param-Authorization": "Bearer T29-callers",
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
    "Proxy-Authorization": "Basic T29-callers",
}
# All that ever goes out: the transport's own headers, and what the registry says.
OURS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "user-agent",
}


def test_no_header_of_a_caller_and_no_token_of_theirs_reaches_an_upstream(
    cast, upstream, client_of
):
    sealed = seal({"authentication": {"type": "bearer", "api_key": OWN}})
    Server.objects.update(authentication="bearer", sealed=sealed)
    key = cast.key(cast.dev)
    client = client_of(cast.dev)
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {key}",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in SENT.items()},
    )
    upstream.requests.clear()

    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}
    answer = client.post("/api/mcp/tools/call", body, format="json")

    assert answer.status_code == 200
    seen = [headers for _method, _rpc, headers in upstream.requests]
    assert {headers["authorization"] for headers in seen} == {f"Bearer {OWN}"}
    assert set().union(*seen) <= OURS
    assert (key in str(seen), "T29-callers" in str(seen), "203.0.113.9" in str(seen)) == (
        False,
        False,
        False,
    )
