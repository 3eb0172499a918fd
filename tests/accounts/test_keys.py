"""API keys and set-up links: shown once, kept as digests, stopped at once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, SetupLink, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("p@example.com")


def stored_texts() -> str:
    """Every value of both tables, as a thief of the database would read them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apikey")
        keys = cursor.fetchall()
        cursor.execute("SELECT * FROM accounts_setuplink")
        return repr(keys + cursor.fetchall())


def test_a_key_is_named_by_its_prefix_and_its_secret_is_stored_nowhere(user):
    key, text = ApiKey.issue(user, "laptop")
    product, prefix, secret = text.split("_", 2)
    assert (product, prefix, len(secret)) == ("omni2", key.prefix, 43)
    assert (prefix in stored_texts(), secret in stored_texts()) == (True, False)


def test_a_key_matches_its_own_secret_only(user):
    key, text = ApiKey.issue(user, "laptop")
    secret = text.split("_", 2)[2]
    assert [key.matches(given) for given in (secret, secret[:-1], secret + "x", "")] == [
        True,
        False,
        False,
        False,
    ]


def test_a_fresh_key_asks_and_calls_and_reads_but_does_not_administer(user):
    key, _ = ApiKey.issue(user, "laptop")
    assert (key.scopes, key.servers) == (["query", "tools", "read"], [])


def test_a_key_is_usable_until_it_expires_or_is_revoked(user):
    now = timezone.now()
    ends = [None, now + timedelta(minutes=1), now - timedelta(seconds=1)]
    keys = [ApiKey.issue(user, "k", expires_at=end)[0] for end in ends]
    revoked, _ = ApiKey.issue(user, "k")
    revoked.revoke()
    assert [key.usable() for key in [*keys, revoked]] == [True, True, False, False]


def test_revoking_twice_keeps_the_first_moment(user):
    key, _ = ApiKey.issue(user, "laptop")
    key.revoke()
    first = key.revoked_at
    key.revoke()
    key.refresh_from_db()
    assert key.revoked_at == first


def test_use_is_noted_at_most_once_a_minute(user, django_assert_num_queries):
    key, _ = ApiKey.issue(user, "laptop")
    key.mark_used()
    key.refresh_from_db()
    with django_assert_num_queries(0):
        key.mark_used()
    key.last_used_at -= timedelta(minutes=2)
    with django_assert_num_queries(1):
        key.mark_used()


def test_a_setup_link_works_once(user):
    link = SetupLink.find(SetupLink.issue(user))
    assert [link.claim(), link.claim()] == [True, False]


def test_a_setup_link_is_found_by_its_token_alone_and_the_token_is_not_stored(user):
    token = SetupLink.issue(user)
    found = [SetupLink.find(given) is not None for given in (token, token[:-1], "")]
    assert (found, token in stored_texts()) == ([True, False, False], False)


def test_a_new_setup_link_stops_the_earlier_one(user):
    first, second = SetupLink.issue(user), SetupLink.issue(user)
    assert [SetupLink.find(token) is not None for token in (first, second)] == [False, True]


def test_a_setup_link_stops_after_a_day(user):
    token = SetupLink.issue(user)
    SetupLink.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert SetupLink.find(token) is None
