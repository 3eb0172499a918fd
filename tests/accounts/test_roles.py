"""Roles: nobody loses one unseen. Who may change which: `tests/accounts/test_authority.py`."""

import pytest

from accounts import roles
from accounts.errors import Conflict, NotAllowed
from accounts.models import ProvisioningRule, Role, Rule, Team
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="admin")


def test_who_has_a_role_is_counted_in_words(cast):
    developer, spare = Role.objects.get(name="developer"), Role.objects.create(name="spare")
    counted = [roles.holders_of(spare), roles.holders_of(developer)]
    for name in ("one", "two"):
        Team.objects.create(key=name, default_role=spare)
    counted.append(roles.holders_of(spare))
    Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "spare"})
    ProvisioningRule.objects.create(email_domain="@example.com", default_role=spare)
    counted.append(roles.holders_of(spare))

    assert counted == [
        "",
        "2 people and 1 rule have",
        "2 teams have",
        "2 teams and 1 kind and 1 default user have",
    ]


def test_a_role_is_made_changed_and_deleted_while_nobody_has_it(cast):
    spare, first = roles.create({"name": "spare"}, by=cast.ada, who=ADA)
    _, second = roles.change(spare, {"denied_tools": ["drop_*"]}, by=cast.ada, who=ADA)
    spare.refresh_from_db()
    third = roles.delete(spare, by=cast.ada, who=ADA)

    assert spare.denied_tools == ["drop_*"]
    assert second.digest not in (first.digest, third.digest)
    assert not Role.objects.filter(name="spare").exists()


def test_a_role_somebody_has_is_not_deleted(cast):
    viewer = Role.objects.get(name="viewer")

    with pytest.raises(Conflict, match="^1 person has it: give them another role first.$"):
        roles.delete(viewer, by=cast.ada, who=ADA)
    with pytest.raises(NotAllowed):
        roles.delete(viewer, by=cast.guest, who=ADA)
    assert Role.objects.filter(name="viewer").exists()
