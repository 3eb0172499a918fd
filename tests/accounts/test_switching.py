"""The kill switches of people and roles: over whom, and what they stop."""

import pytest

from accounts import access, switching
from accounts.errors import Conflict, NotAllowed
from accounts.models import Role, Rule, Team, User
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

WHO = Who(person="x@example.com", door="rest")


def switch_off(role: Role) -> None:
    switching.switch_role(role, on=False, by=None, who=WHO)


def test_a_suspension_and_its_end_are_on_the_record_once(cast):
    said = [
        switching.suspend(cast.dev, by=cast.ada, who=WHO, reason="leak"),
        switching.suspend(cast.dev, by=cast.ada, who=WHO),
        switching.activate(cast.dev, by=cast.ada, who=WHO),
        switching.activate(cast.dev, by=cast.ada, who=WHO),
    ]

    details = [e.detail for e in Entry.objects.filter(kind="person.changed").order_by("pk")]
    assert said == [True, False, True, False]
    assert details == [
        {
            "action": "suspended",
            "person": "dev@example.com",
            "status": ["active", "suspended"],
            "reason": "leak",
        },
        {
            "action": "activated",
            "person": "dev@example.com",
            "status": ["suspended", "active"],
            "reason": "",
        },
    ]
    assert User.objects.get(pk=cast.dev.pk).standing() == "active"


@pytest.mark.parametrize(("by", "over"), [("guest", "ada"), ("ada", "ada"), ("guest", "guest")])
def test_nobody_suspends_themselves_or_whoever_is_above_them(cast, by, over):
    person = getattr(cast, over)
    with pytest.raises(NotAllowed):
        switching.suspend(person, by=getattr(cast, by), who=WHO)

    assert User.objects.get(pk=person.pk).status == "active"


def test_the_command_line_suspends_everybody_but_the_last_super_admin(cast):
    with pytest.raises(Conflict):
        switching.suspend(cast.ada, by=None, who=WHO)
    User.objects.filter(pk=cast.dev.pk).update(is_superuser=True)

    assert switching.suspend(cast.ada, by=None, who=WHO) is True


@pytest.mark.parametrize("way", ["own", "team", "default"])
def test_a_role_that_is_off_stops_whoever_it_counts_for(cast, way):
    role = Role.objects.create(name="extra")
    if way == "own":
        cast.dev.role = role
    else:
        cast.dev.role = None
        if way == "team":
            cast.dev.teams.add(Team.objects.create(key="t", default_role=role))
        else:
            Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "extra"})
    cast.dev.save()
    before = User.objects.get(pk=cast.dev.pk).standing()
    switch_off(role)

    person = User.objects.get(pk=cast.dev.pk)
    assert (before, person.standing(), person.may_act()) == ("active", "role_off", False)
    assert access.subject_of(person).status == "role_off"


def test_a_role_that_is_off_stops_nobody_else_and_no_super_admin(cast):
    switch_off(Role.objects.get(name="developer"))
    switch_off(Role.objects.get(name="admin"))

    people = User.objects.order_by("email")
    assert [(one.name, one.standing()) for one in people] == [
        ("Ada", "active"),
        ("Dev", "role_off"),
        ("Guest", "active"),
        ("Sue", "suspended"),
    ]


@pytest.mark.parametrize(("by", "name"), [("guest", "viewer"), ("guest", "admin")])
def test_nobody_switches_their_own_role_or_one_above(cast, by, name):
    role = Role.objects.get(name=name)
    with pytest.raises(NotAllowed):
        switching.switch_role(role, on=False, by=getattr(cast, by), who=WHO)

    assert not Role.objects.get(name=name).is_off


def test_a_role_above_nobody_is_switched_by_whoever_may(cast):
    role = Role.objects.get(name="developer")

    assert switching.switch_role(role, on=False, by=cast.guest, who=WHO) is True
