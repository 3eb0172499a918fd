"""What is counted of failed attempts, and when a key's prefix is refused unread."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import lockout
from accounts.models import ApiKey
from audit import record
from audit.models import Entry
from audit.record import Who
from tests.accounts.test_auth import bearer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("typed", ["dev@example.com", " DEV@Example.com "])
def test_an_account_is_counted_by_its_address(rf, cast, typed):
    request = rf.post("/login/", {"username": typed})

    assert lockout.account_of(request) == "dev@example.com"
    assert lockout.account_of(rf.post("/login/"), {"username": typed}) == "dev@example.com"


def test_what_nobody_is_called_is_counted_without_being_kept(rf, cast):
    typed = lockout.account_of(rf.post("/login/"), {"username": "my-password"})

    assert (typed[:8], "my-password" in typed, len(typed)) == ("unknown:", False, 40)


def test_a_prefix_refused_too_often_from_one_address_is_refused_there_unread(cast, settings):
    settings.KEY_MAX_FAILURES_PER_MINUTE = 3
    key, text = ApiKey.issue(cast.dev, "laptop")
    assert bearer(f"Bearer {text}").status_code == 200, "and is kept as one that was let in"
    wrong = [bearer(f"Bearer omni2_{key.prefix}_{'x' * 43}").status_code for _ in range(3)]
    locked = bearer(f"Bearer {text}")

    entry = Entry.objects.order_by("-pk").first()
    assert (wrong, locked.status_code) == ([401] * 3, 401)
    assert locked.content == bearer("Bearer nonsense").content
    assert (entry.kind, entry.api_key, entry.detail["reason"]) == (
        "auth.locked",
        key.prefix,
        "too many failures",
    )
    assert bearer(f"Bearer {text}", REMOTE_ADDR="192.0.2.9").status_code == 200
    assert bearer(f"Bearer {ApiKey.issue(cast.dev, 'other')[1]}").status_code == 200


def test_a_locked_prefix_is_read_again_after_a_minute(cast, settings):
    settings.KEY_MAX_FAILURES_PER_MINUTE = 1
    key, text = ApiKey.issue(cast.dev, "laptop")
    refused = record.prepare("auth.refused", "refused", who=Who("", api_key=key.prefix))
    refused.address, refused.at = "127.0.0.1", timezone.now() - timedelta(seconds=61)
    record.write_many([refused])

    assert bearer(f"Bearer {text}").status_code == 200
