"""Who comes in at the MCP endpoint, and what is turned away before anything is looked at."""

import socket
from urllib.parse import urlsplit

import pytest

from accounts.models import ApiKey
from audit.models import Entry
from gateway.mcp_endpoint import entrance
from tests.ipv6 import HERE, needs_ipv6
from tests.mcp_client import ask, post, serve_endpoint

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def test_whoever_is_not_known_is_told_where_to_find_out_how_to_be(cast, mcp_url, settings):
    settings.PUBLIC_URL = "https://omni.example.com"
    answers = [post(mcp_url, LIST), post(mcp_url, LIST, key="omni2_ffffffffffff_made-up")]
    answers += [post(f"{mcp_url}/upstream", LIST, key="sk-fabricated")]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    metadata = "https://omni.example.com/.well-known/oauth-protected-resource"
    assert [answer.headers["WWW-Authenticate"] for answer in answers] == [
        f'Bearer realm="omni2", resource_metadata="{metadata}/mcp"',
        f'Bearer realm="omni2", resource_metadata="{metadata}/mcp"',
        f'Bearer realm="omni2", resource_metadata="{metadata}/mcp/upstream"',
    ]
    refused = Entry.objects.filter(kind="auth.refused").order_by("pk")
    assert [(e.detail["reason"], e.detail["path"], e.api_key) for e in refused] == [
        ("unknown", "/mcp", "ffffffffffff"),
        ("malformed", "/mcp/upstream", ""),
    ]


def test_a_key_without_the_scope_is_told_which(cast, upstream, mcp_url):
    read = cast.key(cast.dev, scopes=[ApiKey.Scope.READ])
    tools = cast.key(cast.dev, scopes=[ApiKey.Scope.TOOLS])
    refused, let_in = ask(mcp_url, read, "tools/list"), ask(mcp_url, tools, "tools/list")

    assert (refused.status_code, let_in.status_code) == (403, 200)
    assert 'error="insufficient_scope", scope="tools"' in refused.headers["WWW-Authenticate"]


def test_who_it_is_comes_from_the_key_alone(cast, upstream, mcp_url):
    claims = {"X-User": "ada@example.com", "Remote-User": "ada", "Cookie": "sessionid=x"}
    key = cast.key(cast.dev)
    answer = ask(mcp_url, key, "tools/call", {"name": "upstream__headers"}, headers=claims)

    entry = Entry.objects.get(kind="call.called")
    assert (entry.person, entry.door, entry.address, entry.api_key) == (
        "dev@example.com", "mcp", "127.0.0.1", key.split("_")[1]
    )  # fmt: skip
    arrived = str(answer.json()["result"]["structuredContent"])
    assert not any(said in arrived for said in (key, "ada", "sessionid"))


def test_a_slash_at_the_end_of_a_servers_address_changes_nothing(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    listed = [
        [tool["name"] for tool in ask(url, key, "tools/list").json()["result"]["tools"]]
        for url in (f"{mcp_url}/upstream", f"{mcp_url}/upstream/")
    ]
    assert listed[0] == listed[1] and "echo" in listed[0]


def test_a_suspended_person_and_a_revoked_key_are_nobody(cast, mcp_url):
    revoked, secret = ApiKey.issue(cast.dev, "lost")
    revoked.revoke()

    assert post(mcp_url, LIST, key=secret).status_code == 401
    assert post(mcp_url, LIST, key=cast.key(cast.sue)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://testserver", "Host": "testserver"}, 200),
        ({"Origin": "https://omni.example.com"}, 200),
    ],
)
def test_names_and_origins_of_others_are_refused(cast, mcp_url, settings, headers, status):
    settings.PUBLIC_URL = "https://omni.example.com"

    assert ask(mcp_url, cast.key(cast.dev), "tools/list", headers=headers).status_code == status


def test_addresses_that_may_not_come_in_do_not(cast, mcp_url, settings):
    settings.ALLOWED_IPS, settings.TRUSTED_PROXIES = ["10.0.0.0/8"], 1
    key = cast.key(cast.dev)
    statuses = [
        ask(mcp_url, key, "tools/list", headers={"X-Forwarded-For": address}).status_code
        for address in ("192.0.2.1", "10.1.2.3")
    ]

    assert statuses == [403, 200]
    assert Entry.objects.get(error_code="address").address == "192.0.2.1"


@pytest.fixture(scope="module")
def endpoint_by_ipv6():
    """The endpoint again, at [::1]."""
    with serve_endpoint(HERE) as url:
        yield url


@needs_ipv6
@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [(0, "2001:db8::7", "::1"), (1, "2001:DB8:0::7", "2001:db8::7"), (1, "", "::1")],
)
def test_whoever_comes_by_ipv6_comes_in(
    cast, upstream, endpoint_by_ipv6, mcp_url, settings, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES, settings.ALLOWED_IPS = proxies, ["::1", "2001:db8::/32"]
    answer = ask(
        endpoint_by_ipv6,
        cast.key(cast.dev),
        "tools/call",
        {"name": "upstream__headers"},
        headers={"X-Forwarded-For": forwarded},
    )

    assert (answer.status_code, Entry.objects.get(kind="call.called").address) == (200, address)


@needs_ipv6
def test_an_ipv6_address_is_a_name_like_others(cast, endpoint_by_ipv6, mcp_url, settings):
    key, port = cast.key(cast.dev), urlsplit(endpoint_by_ipv6).port

    def status(**headers):
        return ask(endpoint_by_ipv6, key, "tools/list", headers=headers).status_code

    assert status(Origin=f"http://[::1]:{port}") == 200
    assert [status(Host=f"[::2]:{port}"), status(Origin=f"http://[::2]:{port}")] == [421, 403]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    assert status() == 421


def test_a_body_is_bounded(cast, mcp_url):
    padding = {"_meta": {"x": "y" * 1024 * 1024}}

    assert post(mcp_url, LIST | {"params": padding}, key=cast.key(cast.dev)).status_code == 413


def head(url, length):
    """A connection over which only the head of a POST was sent, by nobody we know."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout=5)
    sock.sendall(
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer omni2_ffffffffffff_made-up\r\n"
        f"Content-Length: {length}\r\n\r\n".encode()
    )
    return sock


def test_a_large_body_of_nobody_we_know_is_not_read(cast, mcp_url):
    with head(mcp_url, entrance.SMALL_BYTES + 1) as sock:
        assert sock.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_small_body_of_nobody_we_know_is_not_looked_into(cast, mcp_url):
    """It comes with the head; what is wrong with it is nobody's to know."""
    with head(mcp_url, 1) as sock:
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(100)
        sock.settimeout(5)
        sock.sendall(b"[")
        assert sock.recv(100).startswith(b"HTTP/1.1 401 ")
    assert post(mcp_url, b"[", key=cast.key(cast.dev)).status_code == 400
