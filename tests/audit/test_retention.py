"""How long entries are kept is read as it was meant, or refused by its name."""

from datetime import UTC, datetime, timedelta

import pytest

from audit import retention
from audit.errors import RetentionError
from audit.models import Entry

EVER = {"record.erased", "record.pruned", "record.key_changed"}


def test_the_narrowest_name_holds() -> None:
    kept = retention.days({"*": 1825, "auth.*": 365, "auth.login": 30})
    assert (kept["auth.login"], kept["auth.refused"], kept["call.called"]) == (30, 365, 1825)


def test_what_is_not_named_is_kept_for_ever() -> None:
    assert retention.days({"registry.health": 30}) == {"registry.health": 30}
    assert retention.days({}) == {}


def test_what_the_proof_rests_on_is_kept_for_ever() -> None:
    assert set(Entry.Kind.values) - retention.days({"*": 1}).keys() == EVER
    assert set(retention.days({"record.*": 1})) == {"record.exported"}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"auth.logins": 3}, "auth.logins: there is no such kind"),
        ({"auth": 3}, "auth: there is no such kind"),
        ({"auth.login": 0}, "auth.login: days are a whole number from 1"),
        ({"auth.login": True}, "auth.login: days"),
        ({"auth.login": "30"}, "auth.login: days"),
        ({"auth.login": 36_501}, "auth.login: days"),
        ({"record.pruned": 30}, "record.pruned: the proof"),
        ([], "JSON object"),
    ],
)
def test_what_cannot_be_read_is_named(rules: object, said: str) -> None:
    with pytest.raises(RetentionError, match=said):
        retention.days(rules)


def test_each_length_of_time_has_its_moment() -> None:
    now = datetime(2026, 5, 31, tzinfo=UTC)
    kept = {"auth.login": 30, "auth.logout": 30, "key.used": 1}
    assert list(retention.cutoffs(kept, now)) == [
        (now - timedelta(days=1), ["key.used"]),
        (now - timedelta(days=30), ["auth.login", "auth.logout"]),
    ]
