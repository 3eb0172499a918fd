"""Access tokens of the identity provider at the endpoint: who they let in, and who not."""

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from audit.models import Entry
from tests.fakes import identity_provider
from tests.fakes.identity_provider import CLIENT, OTHER_KEY
from tests.mcp_client import ask, list_tools

PUBLIC = "https://omni.example.com"
RESOURCE = f"{PUBLIC}/mcp"


@pytest.fixture(scope="session")
def issuer_server():
    with identity_provider.serve() as running:
        yield running


@pytest.fixture
def issuer(issuer_server, settings, cast, monkeypatch):
    """The provider that Dev has logged in by before."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    issuer_server.forget()
    issuer_server.claims = {"sub": "dev-1"}
    settings.OIDC_ISSUER, settings.MCP_OAUTH = issuer_server.url, True
    settings.PUBLIC_URL = PUBLIC
    SocialAccount.objects.create(user=cast.dev, provider="sso", uid="dev-1")
    return issuer_server


def test_a_token_for_this_resource_lets_its_person_in(cast, upstream, issuer, mcp_url):
    whole = list_tools(mcp_url, issuer.access_token(RESOURCE))
    alone = list_tools(f"{mcp_url}/upstream", issuer.access_token(f"{RESOURCE}/upstream"))

    assert whole == list_tools(mcp_url, cast.key(cast.dev))
    assert len(alone) == len(whole) > 0


def test_any_other_token_is_nobody_s(cast, upstream, issuer, mcp_url):
    tokens = {
        "for another resource": issuer.access_token("https://elsewhere.example.com"),
        "an ID token": issuer.access_token(CLIENT),
        "for one server, at all of them": issuer.access_token(f"{RESOURCE}/upstream"),
        "expired": issuer.access_token(RESOURCE, exp=1),
        "without an end": issuer.access_token(RESOURCE, exp=None),
        "of another issuer": issuer.access_token(RESOURCE, iss="https://elsewhere.example.com"),
        "signed by another": issuer.access_token(RESOURCE, key=OTHER_KEY),
        "by a key nobody knows": issuer.access_token(RESOURCE, kid="two"),
        "unsigned": issuer.access_token(RESOURCE, key=None, algorithm="none"),
        "signed with a password": issuer.access_token(RESOURCE, key="x" * 64, algorithm="HS256"),
        "of a stranger": issuer.access_token(RESOURCE, sub="stranger-1"),
        "no token": "a.b.c",
        "too long": "x" * 9000,
    }
    said = {name: ask(mcp_url, token, "tools/list").status_code for name, token in tokens.items()}

    assert said == dict.fromkeys(tokens, 401)
    refused = Entry.objects.filter(kind="auth.refused")
    assert refused.count() == len(tokens)
    assert not any(token[:40] in str(list(refused.values())) for token in tokens.values())


def test_a_suspended_person_s_token_is_nobody_s(cast, issuer, mcp_url):
    token = issuer.access_token(RESOURCE)
    User.objects.filter(pk=cast.dev.pk).update(status=User.Status.SUSPENDED)

    assert ask(mcp_url, token, "tools/list").status_code == 401


def test_without_the_setting_no_token_is_taken(cast, issuer, mcp_url, settings):
    settings.MCP_OAUTH = False

    assert ask(mcp_url, issuer.access_token(RESOURCE), "tools/list").status_code == 401


def test_keys_are_taken_beside_tokens_and_never_as_one(cast, upstream, issuer, mcp_url):
    key = cast.key(cast.dev)

    assert ask(mcp_url, key, "tools/list").status_code == 200
    assert ask(mcp_url, f"{key}x", "tools/list").status_code == 401
    assert Entry.objects.get(kind="auth.refused").detail["reason"] == "wrong secret"


def test_no_token_goes_on_to_a_server(cast, upstream, issuer, mcp_url):
    token = issuer.access_token(RESOURCE)
    ask(mcp_url, token, "tools/call", {"name": "upstream__headers", "arguments": {}})

    assert [name for name, _ in upstream.calls] == ["headers"]
    assert not any(token in str(headers) for _, _, headers in upstream.requests)


def test_the_metadata_says_who_lets_people_in(client, settings):
    settings.PUBLIC_URL, settings.OIDC_ISSUER = PUBLIC, "https://login.example.com"
    place = "/.well-known/oauth-protected-resource"
    keys_alone = client.get(f"{place}/mcp").json()
    settings.MCP_OAUTH = True
    with_tokens = client.get(place).json()

    assert keys_alone == {
        "resource": RESOURCE,
        "resource_name": "OMNI2",
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["tools"],
    }
    assert with_tokens["authorization_servers"] == ["https://login.example.com"]
    assert client.get(f"{place}/mcp/crm").json()["resource"] == f"{RESOURCE}/crm"
