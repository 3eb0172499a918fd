"""Requests to addresses that a server names: guarded, capped, timed, and led nowhere else."""

from typing import Any

import pytest

from registry.errors import AuthorizationFailed
from registry.mcp.errors import GuardRefused, TimedOut, TooLarge
from registry.oauth import web as requesting
from registry.oauth.web import Said, Web
from tests.fakes.authorization_server import METADATA, Protected


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://login.example/token",
        "https://user@login.example/token",
        "https://0x7f.1/token",
        "https://login.example/a b",
        "https://login.example/#x",
    ],
)
def test_what_is_no_address_to_ask_is_told_by_what_it_should_have_been(url: Any) -> None:
    with pytest.raises(AuthorizationFailed, match="^its token_endpoint "):
        Web().check(url, "its token_endpoint")


def test_nothing_inside_is_asked_but_what_is_listed(protected: Protected) -> None:
    place = f"{protected.authority.url}{METADATA}"
    with pytest.raises(GuardRefused):
        Web().get(place)
    for inside in ("https://127.0.0.1:1/x", "https://169.254.169.254/latest", "https://[::1]/"):
        with pytest.raises(GuardRefused):
            Web(frozenset(protected.addresses)).get(inside)
    assert protected.authority.asked == []
    assert Web(frozenset(protected.addresses)).get(place).status == 200


def test_redirects_are_not_followed_and_what_is_no_object_is_nothing(protected: Protected) -> None:
    authority, web = protected.authority, Web(frozenset(protected.addresses))
    authority.add_client("omni2", "", "https://elsewhere.example/")
    there = (
        f"{authority.url}/authorize?client_id=omni2&redirect_uri=https://elsewhere.example/"
        "&code_challenge_method=S256&code_challenge=x&state=y"
    )
    assert web.get(there) == Said(302, None)
    authority.refusal = (200, [1])  # type: ignore[assignment]
    answer = web.post_form(f"{authority.url}/token", {"client_id": "omni2"}, {})
    assert answer == Said(200, None)


def test_an_answer_has_a_size_and_a_time(protected: Protected, monkeypatch: Any) -> None:
    authority, web = protected.authority, Web(frozenset(protected.addresses))
    authority.changes["large"] = "x" * 70_000
    with pytest.raises(TooLarge):
        web.get(f"{authority.url}{METADATA}")

    monkeypatch.setattr(requesting, "SECONDS", 0.1)
    authority.add_client("omni2", "")
    authority.delay.clear()
    try:
        with pytest.raises(TimedOut):
            web.post_form(f"{authority.url}/token", {"client_id": "omni2"}, {})
    finally:
        authority.delay.set()
