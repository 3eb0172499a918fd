"""The rows of accounts: who may fetch the next tokens, and which rows have lost their place."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import ConnectedAccount, Server

pytestmark = pytest.mark.django_db

LONG, GONE = timedelta(minutes=1), timedelta(seconds=-1)


@pytest.fixture
def server() -> Server:
    return Server.objects.create(
        name="crm", transport="http", url="https://crm.example/mcp", authentication="oauth"
    )


@pytest.fixture
def account(server: Server) -> ConnectedAccount:
    return ConnectedAccount.objects.create(server=server, person=7, url=server.url, sealed="x")


def test_one_at_a_time_may_fetch_what_comes_next(account: ConnectedAccount) -> None:
    same = ConnectedAccount.objects.get()
    assert [account.claim(LONG), same.claim(LONG)] == [True, False]
    account.settle()
    assert [same.claim(GONE), account.claim(LONG)] == [True, True], "the first is taken for dead"


def test_what_was_fetched_for_an_account_that_is_another_now_is_dropped(
    account: ConnectedAccount,
) -> None:
    late = ConnectedAccount.objects.get()
    assert account.settle(sealed="new", generation=1)
    assert (late.claim(LONG), late.settle(sealed="late")) == (False, False)
    assert ConnectedAccount.objects.get().sealed == "new"
    account.delete()
    assert not late.settle(sealed="late")


def test_tokens_are_due_before_they_end_and_usable_until_then() -> None:
    now = timezone.now()
    past, future = now - LONG, now + LONG
    rows = [
        ConnectedAccount(),
        ConnectedAccount(sealed="x"),
        ConnectedAccount(sealed="x", renew_at=past, expires_at=future),
        ConnectedAccount(sealed="x", renew_at=future, expires_at=past),
        ConnectedAccount(renew_at=future),
    ]
    assert [(row.is_due, row.is_usable) for row in rows] == [
        (True, False),
        (False, True),
        (True, True),
        (False, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("change", "person", "misplaced"),
    [
        ({}, 7, False),
        ({"url": "https://other.example/mcp"}, 7, True),
        ({"authentication": "bearer"}, 7, True),
        ({"authentication": "client_credentials"}, 7, True),
        ({"authentication": "client_credentials"}, 0, False),
        ({}, 0, True),
    ],
)
def test_an_account_keeps_its_place_while_its_server_does(
    server: Server, account: ConnectedAccount, change: dict, person: int, misplaced: bool
) -> None:
    Server.objects.update(**change)
    ConnectedAccount.objects.update(person=person)
    assert ConnectedAccount.objects.misplaced().exists() is misplaced
