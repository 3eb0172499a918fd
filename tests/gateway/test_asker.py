"""Who asks is read afresh whenever it counts: rights and keys may have changed since."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Role
from audit.record import Who
from gateway.asker import Asker

pytestmark = pytest.mark.django_db


def with_key(user, **options):
    key, _ = ApiKey.issue(user, "test", **options)
    only = frozenset(key.servers) if key.servers else None
    return key, Asker(user, Who(person=user.email, api_key=key.prefix), only)


def test_without_a_key_nothing_is_narrowed_but_by_the_door(cast):
    who = Who(person=cast.dev.email)

    assert Asker(cast.dev, who).subject().only_servers is None
    assert Asker(cast.dev, who, frozenset({"a"})).subject().only_servers == {"a"}


@pytest.mark.parametrize(("servers", "reach"), [([], None), (["a", "b"], {"a", "b"})])
def test_a_key_narrows_to_its_servers(cast, servers, reach):
    _, asker = with_key(cast.dev, servers=servers)

    assert asker.subject().only_servers == reach


def revoke(key):
    key.revoked_at = timezone.now()


def expire(key):
    key.expires_at = timezone.now() - timedelta(seconds=1)


def narrow(key):
    key.servers = ["b"]


@pytest.mark.parametrize(("change", "reach"), [(revoke, set()), (expire, set()), (narrow, {"b"})])
@pytest.mark.parametrize("servers", [[], ["a", "b"]])
def test_what_happens_to_a_key_counts_at_once(cast, change, reach, servers):
    key, asker = with_key(cast.dev, servers=servers)
    assert asker.subject().only_servers != reach

    change(key)
    key.save()

    assert asker.subject().only_servers == reach


def test_a_key_that_is_gone_or_somebody_elses_reaches_nothing(cast):
    key, asker = with_key(cast.dev)
    stolen = Asker(cast.ada, asker.who)

    assert stolen.subject().only_servers == frozenset()
    key.delete()
    assert asker.subject().only_servers == frozenset()


def test_role_and_standing_are_read_anew(cast):
    asker = cast.asker(cast.dev)
    before = asker.subject()

    other = type(cast.dev).objects.get(pk=cast.dev.pk)
    other.role, other.status = Role.objects.get(name="viewer"), "suspended"
    other.save()
    after = asker.subject()

    assert (before.role, before.status) == ("developer", "active")
    assert (after.role, after.status) == ("viewer", "suspended")
