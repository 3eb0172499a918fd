"""Logging in by an identity provider that speaks real HTTP."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts import narrowing, people, provisioning
from accounts.models import ProvisioningRule, Role, User
from audit.models import Entry
from audit.record import Who
from tests.fakes import identity_provider
from tests.fakes.identity_provider import CLIENT, SECRET, IdentityProvider

pytestmark = pytest.mark.django_db

DEV = {"sub": "1", "email": "dev@example.com", "email_verified": True, "name": "Dev"}
ADA = Who(person="ada@example.com", door="admin")
NEW = {"sub": "2", "email": "new@example.com", "email_verified": True, "name": "New"}


@pytest.fixture(scope="session")
def provider_server() -> Any:
    with identity_provider.serve() as running:
        yield running


@pytest.fixture
def provider(provider_server, settings, cast, monkeypatch) -> IdentityProvider:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    provider_server.forget()
    provider_server.claims = DEV
    settings.OIDC_ISSUER = provider_server.url
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    settings.OIDC_DOMAINS = ["@example.com"]
    return provider_server


def go(client, address="/login/sso/", **change):
    """Follow the browser to the provider and back; what the callback answers."""
    there = client.get(address)["Location"]
    back = requests.get(there, allow_redirects=False).headers["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    return client.get("/login/sso/callback/", query | change)


def person(client) -> str:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).email if pk else ""


def refusals() -> list[str]:
    entries = Entry.objects.filter(error_code="single_sign_on").order_by("pk")
    return [entry.detail["message"] for entry in entries]


def test_the_button_is_there_only_when_it_leads_somewhere(client, provider, settings):
    assert b"Log in with single sign-on" in client.get("/login/").content
    settings.OIDC_ISSUER = ""

    assert b"/login/sso/" not in client.get("/login/").content
    assert [client.get(f"/login/sso/{one}").status_code for one in ("", "callback/")] == [404, 404]


def test_somebody_here_is_linked_by_a_verified_address_and_logged_in(client, provider):
    answer = go(client, "/login/sso/?next=/keys/")

    assert (answer["Location"], person(client)) == ("/keys/", "dev@example.com")
    link = SocialAccount.objects.get()
    assert (link.provider, link.uid, link.user.email) == ("sso", "1", "dev@example.com")
    kinds = list(Entry.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["person.changed", "auth.login"]


def test_the_code_is_bound_by_pkce_and_the_state_to_this_browser(client, provider):
    go(client)

    asked = provider.asked[0]
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/login/sso/callback/"


def test_a_way_begun_in_one_browser_does_not_end_in_another(client, provider):
    there = client.get("/login/sso/")["Location"]
    back = requests.get(there, allow_redirects=False).headers["Location"]
    other = Client()
    answer = other.get(f"/login/sso/callback/?{urlsplit(back).query}")

    assert (answer.status_code, person(other), len(refusals())) == (403, "", 1)


def test_who_was_here_before_is_known_by_the_link_whatever_their_address_is_now(client, provider):
    go(client)
    provider.claims = DEV | {"email": "renamed@elsewhere.org", "email_verified": False}
    client.post("/logout/")
    go(client)

    assert person(client) == "dev@example.com"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email_verified": False}, "The identity provider has not verified your e-mail address."),
        ({"email_verified": "true"}, "The identity provider has not verified your e-mail address."),
        ({"email": ""}, "The identity provider has not verified your e-mail address."),
        ({"email": "dev@evil.org"}, "Addresses of your domain may not come in."),
        ({"email": "dev@example.com.evil.org"}, "Addresses of your domain may not come in."),
        ({"email": "new@example.com"}, "Nobody has let you in yet. Ask an administrator."),
    ],
)
def test_whoever_may_not_come_in_is_told_and_recorded(client, provider, claims, said):
    provider.claims = DEV | claims
    answer = go(client)

    assert (answer.status_code, person(client), refusals()) == (403, "", [said])
    assert (SocialAccount.objects.count(), User.objects.count()) == (0, 4)


def test_without_domains_nobody_comes_in_by_an_address(client, provider, settings):
    settings.OIDC_DOMAINS = []

    assert (go(client).status_code, person(client)) == (403, "")


def test_an_address_given_to_somebody_else_is_not_the_account(client, provider):
    go(client)
    client.post("/logout/")
    provider.claims = DEV | {"sub": "9"}

    assert (go(client).status_code, person(client)) == (403, "")
    assert refusals() == ["This address belongs to another login of the identity provider."]


def test_another_verified_address_of_userinfo_is_no_way_around_the_token(client, provider):
    provider.claims = DEV | {"email": "guest@example.com", "email_verified": False}
    provider.userinfo = {"sub": "1", "email": "ada@example.com", "email_verified": True}

    assert (go(client).status_code, person(client)) == (403, "")


def test_a_userinfo_of_somebody_else_is_refused(client, provider):
    provider.userinfo = DEV | {"sub": "7"}
    go(client)

    assert (person(client), refusals()) == ("", ["The identity provider contradicts itself."])


@pytest.mark.parametrize(
    "spoil",
    ["signature", "key", "none", "hmac", "issuer", "audience", "expired", "no id token"],
)
def test_a_token_that_does_not_hold_lets_nobody_in(client, provider, spoil):
    provider.spoil = spoil
    answer = go(client)

    assert (answer.status_code, person(client), len(refusals())) == (403, "", 1)


@pytest.mark.parametrize("change", [{"state": "forged"}, {"code": "forged"}, {"error": "x"}])
def test_a_callback_that_was_not_asked_for_lets_nobody_in(client, provider, change):
    answer = go(client, **change)

    assert (answer.status_code, person(client), len(refusals())) == (403, "", 1)


def test_a_provider_that_is_down_is_said(client, provider):
    provider.spoil = "down"

    assert client.get("/login/sso/").status_code == 502


def test_a_next_page_elsewhere_is_not_followed(client, provider):
    assert go(client, "/login/sso/?next=https://evil.org/")["Location"] == "/"


@pytest.mark.parametrize("standing", ["suspended", "pending"])
def test_whoever_may_not_act_is_not_logged_in(client, provider, standing):
    User.objects.filter(email="dev@example.com").update(status=standing)

    assert (go(client).status_code, person(client)) == (403, "")


# --- Newcomers and roles --------------------------------------------------------------------------
@pytest.fixture
def rule(cast) -> ProvisioningRule:
    viewer = Role.objects.get(name="viewer")
    return ProvisioningRule.objects.create(email_domain="@example.com", default_role=viewer)


def test_a_newcomer_enters_by_the_rule_and_waits(client, provider, rule):
    provider.claims = NEW
    answer = go(client)

    new = User.objects.get(email="new@example.com")
    assert (answer.status_code, new.status, new.role.name) == (403, "pending", "viewer")
    assert refusals() == ["This account may not log in: it waits for approval."]
    User.objects.filter(pk=new.pk).update(status="active")
    go(client)
    assert person(client) == "new@example.com"


def test_claims_say_the_role_as_the_map_does_and_take_it_again(client, provider, rule, settings):
    rule.require_approval = False
    rule.save()
    settings.OIDC_ROLE_CLAIM = "groups"
    settings.OIDC_ROLES = {"builders": "developer", "everybody": "viewer"}
    roles = []
    for groups in (["everybody", "builders"], ["everybody"], "builders", [], None):
        provider.claims = NEW | ({} if groups is None else {"groups": groups})
        go(client)
        roles.append(User.objects.get(email="new@example.com").role.name)

    assert roles == ["developer", "viewer", "developer", "viewer", "viewer"]


GIVE = {
    "nobody": lambda person, role, ada: None,
    "people": lambda person, role, ada: people.change(person, {"role": role}, by=ada, who=ADA),
    "approve": lambda person, role, ada: provisioning.approve(person, by=ada, who=ADA, role=role),
    "file": lambda person, role, ada: narrowing.set_role(person.email, role.name),
}


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("nobody", "viewer"),
        ("people", "developer"),
        ("approve", "developer"),
        ("file", "developer"),
    ],
)
def test_claims_take_back_what_they_gave_and_nothing_that_was_given_by_hand(
    client, provider, rule, settings, cast, how, left
):
    settings.OIDC_ROLE_CLAIM = "groups"
    settings.OIDC_ROLES = {"builders": "developer", "approvers": "approver"}
    developer = Role.objects.get(name="developer")
    Role.objects.create(name="approver")
    provider.claims = NEW | {"groups": ["builders" if how == "nobody" else "approvers"]}
    go(client)
    new = User.objects.get(email="new@example.com")
    assert new.role == new.claimed_role, "the claim gave nothing"
    GIVE[how](new, developer, cast.ada)

    provider.claims = NEW | {"groups": []}
    go(client)

    assert User.objects.get(pk=new.pk).role.name == left


def test_a_role_given_away_and_back_by_hand_is_no_claims(client, provider, rule, settings, cast):
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"builders": "developer"}
    provider.claims = NEW | {"groups": ["builders"]}
    go(client)
    new = User.objects.get(email="new@example.com")
    for name in ("viewer", "developer"):
        role = Role.objects.get(name=name)
        people.change(new, {"role": role}, by=cast.ada, who=ADA)

    provider.claims = NEW | {"groups": []}
    go(client)

    assert User.objects.get(pk=new.pk).role.name == "developer"


def test_a_role_that_was_given_before_the_claim_said_it_too_stays(client, provider, settings):
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"builders": "developer"}
    for groups in (["builders"], []):
        provider.claims = DEV | {"groups": groups}
        go(client)
        client.post("/logout/")

    assert User.objects.get(email="dev@example.com").role.name == "developer"


def test_claims_change_no_super_admin_and_no_role_they_did_not_give(client, provider, settings):
    settings.OIDC_ROLE_CLAIM = "groups"
    settings.OIDC_ROLES = {"everybody": "viewer"}
    provider.claims = DEV
    go(client)
    assert User.objects.get(email="dev@example.com").role.name == "developer"

    client.post("/logout/")
    provider.claims = {**DEV, "sub": "3", "email": "ada@example.com", "groups": ["everybody"]}
    go(client)
    assert (person(client), User.objects.get(email="ada@example.com").role.name) == (
        "ada@example.com",
        "admin",
    )
