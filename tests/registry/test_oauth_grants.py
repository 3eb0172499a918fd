"""What is asked of an authorization server, and what of its answers is believed."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from registry.errors import AuthorizationFailed, TokenRefused
from registry.oauth import grants
from registry.oauth.discovery import Authority
from registry.oauth.grants import Client, Grant
from registry.oauth.web import Web
from tests.fakes.authorization_server import Protected
from tests.registry.accounts import BACK


def web(protected: Protected) -> Web:
    return Web(frozenset(protected.addresses))


def grant(protected: Protected, client: Client) -> Grant:
    authority = protected.authority
    return Grant(f"{authority.url}/token", client, authority.resource, "notes")


def authority(protected: Protected, *methods: str) -> Authority:
    url = protected.authority.url
    return Authority(
        issuer=url,
        token_endpoint=f"{url}/token",
        authorization_endpoint=f"{url}/authorize?tenant=7",
        registration_endpoint=f"{url}/register",
        auth_methods=methods,
    )


DOCUMENT = "https://omni2.example/connections/crm/client.json"


@pytest.mark.parametrize(
    ("reads", "methods", "url", "client"),
    [
        (True, ("none",), DOCUMENT, Client(DOCUMENT)),
        (True, (), DOCUMENT, Client(DOCUMENT)),
        (True, ("private_key_jwt",), DOCUMENT, None),
        (True, ("none",), "", None),
        (True, ("none",), "http://127.0.0.1:8000/connections/crm/client.json", None),
        (False, ("none",), DOCUMENT, None),
    ],
)
def test_our_document_names_us_where_it_is_read_and_no_secret_is_wanted(
    reads: bool, methods: tuple[str, ...], url: str, client: Client | None
) -> None:
    there = Authority("https://login.example", "", auth_methods=methods, reads_documents=reads)
    assert grants.published(there, url) == client


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_goes_where_the_method_says_and_only_there(
    protected: Protected, method: str
) -> None:
    name, secret = "om ni:2", "s/e+c:r t"
    protected.authority.add_client(name, secret)
    client = Client(name, secret, method)
    tokens = grants.client_credentials(grant(protected, client), web(protected))

    assert protected.authority.tokens == {tokens.access_token: "the gateway"}
    (_, form), (headers,) = protected.authority.asked[-1], protected.authority.headers
    encoded = headers.get("authorization", headers.get("Authorization", ""))
    assert ("client_secret" in form, encoded.startswith("Basic ")) == (
        method == "client_secret_post",
        method == "client_secret_basic",
    )


def test_the_method_is_one_that_is_offered_and_basic_where_nothing_is_said(
    protected: Protected,
) -> None:
    offered = {
        (): "client_secret_basic",
        ("client_secret_post",): "client_secret_post",
        ("client_secret_post", "client_secret_basic"): "client_secret_basic",
        ("private_key_jwt",): "client_secret_basic",
    }
    found = {m: grants.method_for(authority(protected, *m), "secret") for m in offered}
    assert found == offered
    assert grants.method_for(authority(protected), "") == "none"


def test_the_address_a_browser_is_sent_to_says_everything_once(protected: Protected) -> None:
    url = grants.authorization_url(
        authority(protected),
        grant(protected, Client("omni2")),
        redirect_uri=BACK,
        state="the-state",
        verifier="the-verifier",
    )
    digest = hashlib.sha256(b"the-verifier").digest()
    assert parse_qsl(urlsplit(url).query) == [
        ("tenant", "7"),
        ("response_type", "code"),
        ("client_id", "omni2"),
        ("redirect_uri", BACK),
        ("state", "the-state"),
        ("code_challenge", base64.urlsafe_b64encode(digest).rstrip(b"=").decode()),
        ("code_challenge_method", "S256"),
        ("resource", protected.upstream.url),
        ("scope", "notes"),
    ]
    assert len({grants.new_verifier() for _ in range(9)}) == 9
    assert len(grants.new_verifier()) >= 43


def test_registering_asks_for_what_is_offered(protected: Protected) -> None:
    client = grants.register(authority(protected, "none", "private_key_jwt"), BACK, web(protected))
    ((_, asked),) = protected.authority.asked
    assert asked["redirect_uris"] == [BACK]
    assert asked["token_endpoint_auth_method"] == "none"
    assert client == Client(next(iter(protected.authority.clients)))


LONG = 10 * 365 * 86_400


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(60, 60), ("60", 60), (60.9, 60), (-1, None), (True, None), ("soon", None), (1e300, LONG)],
)
def test_a_life_is_seconds_or_not_known(protected: Protected, said: Any, seconds: Any) -> None:
    given = {"access_token": "abc", "token_type": "bearer", "expires_in": said}
    protected.authority.add_client("omni2", "")
    protected.authority.refusal = (200, given)
    tokens = grants.client_credentials(grant(protected, Client("omni2")), web(protected))
    assert (tokens.access_token, tokens.expires_in) == ("abc", seconds)


@pytest.mark.parametrize(
    ("status", "document", "error", "told"),
    [
        (400, {"error": "invalid_grant"}, TokenRefused, "invalid_grant"),
        (401, {"error": "invalid_client"}, TokenRefused, "invalid_client"),
        (400, {"error": "<b>foreign</b>"}, AuthorizationFailed, "HTTP 400"),
        (400, {"error": "slow_down"}, AuthorizationFailed, "slow_down"),
        (500, {"error": "invalid_grant"}, AuthorizationFailed, "invalid_grant"),
        (302, {}, AuthorizationFailed, "HTTP 302"),
        (200, {"access_token": "a\nb", "token_type": "Bearer"}, AuthorizationFailed, "none that"),
        (200, {"access_token": "ab"}, AuthorizationFailed, "no bearer token"),
        (200, {"access_token": 7, "token_type": "Bearer"}, AuthorizationFailed, "none that"),
        (200, {"x": "y" * 70_000}, Exception, "larger than"),
    ],
)
def test_a_no_is_told_by_its_code_and_never_by_foreign_words(
    protected: Protected, status: int, document: dict[str, Any], error: Any, told: str
) -> None:
    protected.authority.add_client("omni2", "")
    protected.authority.refusal = (status, document | {"error_description": "foreign words"})
    with pytest.raises(error) as raised:
        grants.client_credentials(grant(protected, Client("omni2")), web(protected))
    assert (told in str(raised.value), "foreign" in str(raised.value)) == (True, False)
