"""Logging in: what locks, what a session lasts, where from (T-36)."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from accounts import sessions, switching
from accounts.models import BrowserSession, User
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def dev(cast, settings) -> User:
    settings.AXES_FAILURE_LIMIT = settings.LOGIN_MAX_FAILED_ATTEMPTS
    cast.dev.set_password(PASSWORD)
    cast.dev.save()
    return cast.dev


def log_in(client, password=PASSWORD, email="dev@example.com", **more):
    fields = {name: more.pop(name) for name in list(more) if name == "remember"}
    values = {"username": email, "password": password} | fields
    return client.post("/login/", values, **more)


def is_in(client) -> bool:
    return client.get("/").status_code == 200


# --- Lockout --------------------------------------------------------------------------------------
def test_the_eleventh_bad_login_is_locked_and_so_is_the_right_password(client, dev):
    statuses = [log_in(client, "wrong").status_code for _ in range(11)]
    right = log_in(client)

    assert statuses[:9] + statuses[10:] == [200] * 9 + [429]
    assert (right.status_code, right["Retry-After"], is_in(client)) == (429, "900", False)
    assert b"Wait 15 minutes" in right.content
    entry = Entry.objects.order_by("-pk").first()
    assert (entry.kind, entry.outcome, entry.detail) == (
        "auth.locked",
        "refused",
        {"person": "dev@example.com"},
    )


def test_another_address_and_another_account_are_not_locked(client, dev, cast):
    for _ in range(11):
        log_in(client, "wrong", REMOTE_ADDR="192.0.2.1")
    cast.ada.set_password(PASSWORD)
    cast.ada.save()

    assert log_in(client, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert log_in(client, REMOTE_ADDR="192.0.2.2").status_code == 302
    assert log_in(Client(), email="ada@example.com", REMOTE_ADDR="192.0.2.1").status_code == 302


def test_behind_a_trusted_proxy_the_address_is_the_clients(client, dev, settings):
    settings.TRUSTED_PROXIES = 1
    for spoofed in range(11):
        log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{spoofed}, 192.0.2.1")

    assert log_in(client, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 429
    assert log_in(client, HTTP_X_FORWARDED_FOR="192.0.2.2").status_code == 302


def test_without_a_trusted_proxy_nobody_escapes_by_a_header(client, dev):
    for number in range(11):
        log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")

    assert log_in(client, HTTP_X_FORWARDED_FOR="192.0.2.99").status_code == 429


@pytest.mark.parametrize("way", ["case", "agent", "unknown"])
def test_the_lock_is_the_accounts_however_it_is_typed(client, dev, way):
    email = "nobody@example.com" if way == "unknown" else "dev@example.com"
    for number in range(11):
        typed = email.upper() if way == "case" and number % 2 else email
        agent = {"HTTP_USER_AGENT": f"agent {number}"} if way == "agent" else {}
        answer = log_in(client, "wrong", email=typed, **agent)

    assert answer.status_code == 429


def test_the_lock_ends_by_itself_and_is_not_drawn_out_by_trying(client, dev):
    for _ in range(12):
        log_in(client, "wrong")
    assert log_in(client).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert log_in(client).status_code == 302


def test_a_good_login_begins_the_count_anew(client, dev):
    for _ in range(9):
        log_in(client, "wrong")
    assert log_in(client).status_code == 302
    client.post("/logout/")
    for _ in range(9):
        log_in(client, "wrong")

    assert log_in(client).status_code == 302


def test_what_is_counted_holds_nothing_that_was_typed(client, dev):
    log_in(client, "secret-password", email="secret-in-the-wrong-field")

    assert "secret" not in repr(list(AccessAttempt.objects.values()))


# --- Sessions -------------------------------------------------------------------------------------
def lasts(client) -> timedelta:
    row = BrowserSession.of_key(client.session.session_key).get()
    return row.expire_date - timezone.now()


@pytest.mark.parametrize(
    ("fields", "expected"), [({}, timedelta(hours=8)), ({"remember": "on"}, timedelta(days=14))]
)
def test_a_session_lasts_as_long_as_it_was_asked_to(client, dev, fields, expected):
    log_in(client, **fields)

    assert abs(lasts(client) - expected) < timedelta(minutes=1)
    assert BrowserSession.objects.get().user == dev


def test_a_session_that_is_used_lasts_on_and_one_that_is_not_ends(client, dev, settings):
    log_in(client)
    session = client.session
    session["seen_at"] = (timezone.now() - timedelta(hours=7)).isoformat()
    session.save()
    BrowserSession.objects.update(expire_date=timezone.now() + timedelta(hours=1))

    assert is_in(client)
    assert lasts(client) > timedelta(hours=7)
    BrowserSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not is_in(client)


def test_a_session_in_use_is_written_once_a_minute(client, dev):
    log_in(client)
    before = BrowserSession.objects.get().expire_date
    client.get("/")

    assert BrowserSession.objects.get().expire_date == before


def test_more_sessions_than_one_may_have_end_the_oldest(dev, settings):
    settings.SESSIONS_AT_ONCE = 2
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        log_in(browser)

    assert [is_in(browser) for browser in browsers] == [False, True, True]


def test_the_session_that_began_first_is_the_oldest_however_it_is_used(dev, settings):
    settings.SESSIONS_AT_ONCE = 2
    browsers = [Client() for _ in range(2)]
    for browser in browsers:
        log_in(browser)
    session = browsers[0].session
    session["used"] = "again"
    session.save()
    log_in(Client())

    assert [is_in(browser) for browser in browsers] == [False, True]


def test_without_a_limit_sessions_are_as_many_as_one_likes(dev):
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        log_in(browser)

    assert [is_in(browser) for browser in browsers] == [True, True, True]


def test_logging_out_everywhere_ends_every_session_of_that_person_alone(dev, cast):
    browsers = [Client() for _ in range(2)]
    for browser in browsers:
        log_in(browser)
    other = Client()
    other.force_login(cast.ada)
    answer = browsers[0].post("/logout/everywhere/")

    assert answer.status_code == 302
    assert [is_in(browser) for browser in [*browsers, other]] == [False, False, True]
    entry = Entry.objects.get(kind="auth.logout")
    assert (entry.person, entry.detail) == ("dev@example.com", {"sessions": 2})


def test_a_suspension_ends_the_sessions_for_good(client, dev, cast):
    log_in(client)
    who = Who(person="ada@example.com", door="admin")
    switching.suspend(dev, by=cast.ada, who=who)
    switching.activate(dev, by=cast.ada, who=who)

    assert (is_in(client), BrowserSession.objects.filter(user=dev).count()) == (False, 0)


def test_sessions_that_have_ended_are_cleared_away(client, dev):
    log_in(client)
    log_in(Client())
    old = BrowserSession.of_key(client.session.session_key).get()
    BrowserSession.objects.filter(pk=old.pk).update(expire_date=timezone.now() - timedelta(days=1))
    sessions.clear()

    assert BrowserSession.objects.exclude(pk=old.pk).count() == BrowserSession.objects.count() == 1


def test_a_key_in_the_address_is_a_401_and_not_in_the_log(client, cast, caplog):
    key = cast.key(cast.dev)
    with caplog.at_level("INFO"):
        answer = client.get(f"/api/query?key={key}&access_token={key}")

    assert answer.status_code == 401
    assert key.split("_", 2)[2] not in caplog.text
    assert key.split("_", 2)[2] not in repr(list(Entry.objects.values()))
