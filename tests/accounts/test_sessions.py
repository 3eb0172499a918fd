"""The store of browser sessions. What a login makes of it: `tests/gateway/test_login.py`."""

import hashlib

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.base import UpdateError

from accounts.models import BrowserSession
from accounts.sessions import SessionStore


@pytest.fixture
def store(db):
    made = SessionStore()
    made["seen"] = "yes"
    made.save()
    return made


def test_a_row_holds_the_digest_of_the_key_and_nothing_else_of_it(store):
    row = BrowserSession.objects.get()

    assert row.digest == hashlib.sha256(store.session_key.encode()).hexdigest()
    assert store.session_key not in str(list(BrowserSession.objects.values()))


def test_a_session_is_found_by_its_key_alone(store):
    stored = BrowserSession.objects.get().digest

    assert dict(SessionStore(store.session_key).items()) == {"seen": "yes"}
    for other in (stored, "x" * 32, "\x00" * 32, "", None):
        assert dict(SessionStore(other).items()) == {}
    assert (store.exists(store.session_key), store.exists(stored)) == (True, False)


def test_a_new_key_takes_the_place_of_the_old_one(store):
    old = store.session_key
    store.cycle_key()

    assert dict(SessionStore(old).items()) == {}
    assert dict(SessionStore(store.session_key).items()) == {"seen": "yes"}


def test_a_session_that_was_ended_meanwhile_is_not_written_again(store):
    other = SessionStore(store.session_key)
    other["seen"] = "once more"
    store.flush()

    with pytest.raises(UpdateError):
        other.save()
    assert not BrowserSession.objects.exists()


def test_what_awaits_gets_the_same(store):
    async def story():
        found = SessionStore(store.session_key)
        seen, there = await found.aget("seen"), await found.aexists(store.session_key)
        await found.aflush()
        return seen, there

    assert async_to_sync(story)() == ("yes", True)
    assert not BrowserSession.objects.exists()
