"""Who enters by themselves, as what, and what an administrator says to it."""

import threading

import pytest
from django.db import connections

from accounts import provisioning
from accounts.errors import Conflict, NotAllowed
from accounts.models import ProvisioningRule, Role, User
from accounts.provisioning import Newcomer
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

WHO = Who(door="web")
SOMEBODY = Newcomer("new@example.com", "New")
SLACK = Newcomer.of_slack("T0TEAM", "U0NEW", "New")


def rule(**fields) -> ProvisioningRule:
    return ProvisioningRule.objects.create(**fields)


@pytest.fixture
def viewer(db) -> Role:
    return Role.objects.create(name="viewer")


@pytest.mark.parametrize(
    ("fields", "newcomer", "fits"),
    [
        ({"email_domain": "@example.com"}, SOMEBODY, True),
        ({"email_domain": "@Example.COM"}, SOMEBODY, True),
        ({"email_domain": "@example.com"}, Newcomer("x@sub.example.com"), False),
        ({"email_domain": "@example.com"}, Newcomer("x@badexample.com"), False),
        ({"email_domain": "@example.com"}, Newcomer("x@example.com@evil.org"), False),
        ({"email_domain": "@example.com"}, SLACK, False),
        ({}, SOMEBODY, True),
        ({}, SLACK, False),
        ({"slack_team": "T0TEAM"}, SLACK, True),
        ({"slack_team": "T0OTHER"}, SLACK, False),
        ({"slack_team": "t0team"}, SLACK, False),
        ({"slack_team": "T0TEAM"}, SOMEBODY, False),
    ],
)
def test_a_rule_is_for_a_domain_or_a_team_and_the_general_one_not_for_slack(fields, newcomer, fits):
    made = rule(**fields)

    assert provisioning.rule_for(newcomer) == (made if fits else None)


@pytest.mark.parametrize(("approval", "status"), [(True, "pending"), (False, "active")])
def test_somebody_enters_with_the_rules_role_on_the_record(viewer, approval, status):
    rule(email_domain="@example.com", default_role=viewer, require_approval=approval)
    person = provisioning.enter(SOMEBODY, who=WHO)

    entry = Entry.objects.get()
    assert (person.email, person.name, person.role, person.status) == (
        "new@example.com",
        "New",
        viewer,
        status,
    )
    assert (person.is_superuser, person.is_staff, person.has_usable_password()) == (False,) * 3
    assert (entry.kind, entry.outcome) == ("person.created", "pending" if approval else "ok")
    assert entry.detail == {
        "person": "new@example.com",
        "rule": "@example.com",
        "role": "viewer",
        "status": status,
    }


def test_without_a_rule_nobody_enters(db):
    assert provisioning.enter(SOMEBODY, who=WHO) is None
    assert (User.objects.count(), Entry.objects.count()) == (0, 0)


def test_somebody_of_slack_is_known_by_the_two_ids_alone(viewer):
    rule(slack_team="T0TEAM", default_role=viewer)
    person = provisioning.enter(SLACK, who=WHO)

    assert (person.email, person.slack_team_id, person.slack_user_id) == (
        "u0new@t0team.slack.invalid",
        "T0TEAM",
        "U0NEW",
    )


def test_an_address_that_is_somebodys_lets_nobody_in(cast):
    rule(email_domain="@example.com")

    assert provisioning.enter(Newcomer("dev@example.com"), who=WHO) is None
    assert User.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_the_same_newcomer_twice_at_once_is_one_person():
    rule(slack_team="T0TEAM")
    start, found = threading.Barrier(4), []

    def come() -> None:
        start.wait()
        found.append(provisioning.enter(SLACK, who=WHO).pk)
        connections.close_all()

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(found), len(set(found)), User.objects.count()) == (4, 1, 1)
    assert Entry.objects.filter(kind="person.created").count() == 1


# --- Those who wait -------------------------------------------------------------------------------
@pytest.fixture
def waiting(cast) -> User:
    rule(email_domain="@example.com", default_role=Role.objects.get(name="viewer"))
    person = provisioning.enter(SOMEBODY, who=WHO)
    assert person.may_act() is False
    return person


def test_whoever_is_approved_may_act(cast, waiting):
    provisioning.approve(waiting, by=cast.ada, who=WHO)

    assert User.objects.get(pk=waiting.pk).may_act()
    assert Entry.objects.get(kind="person.changed").detail["status"] == ["pending", "active"]


def test_whoever_is_rejected_stays_out_and_does_not_enter_again(cast, waiting):
    provisioning.reject(waiting, by=cast.ada, who=WHO, reason="who?")

    entry = Entry.objects.get(kind="person.changed")
    assert User.objects.get(pk=waiting.pk).status == "suspended"
    assert entry.detail["reason"] == "rejected: who?"
    assert provisioning.enter(SOMEBODY, who=WHO) is None


@pytest.mark.parametrize("verb", [provisioning.approve, provisioning.reject])
def test_only_somebody_who_waits_is_decided_on(cast, waiting, verb):
    verb(waiting, by=cast.ada, who=WHO)
    with pytest.raises(Conflict):
        verb(waiting, by=cast.ada, who=WHO)
    with pytest.raises(Conflict):
        verb(cast.sue, by=cast.ada, who=WHO)


def test_another_role_is_given_by_whoever_may_give_it(cast, waiting):
    developer, admin = Role.objects.get(name="developer"), Role.objects.get(name="admin")
    clerk = cast.guest
    with pytest.raises(NotAllowed):
        provisioning.approve(waiting, by=clerk, who=WHO, role=developer)
    clerk.role.can_promote_users = True
    clerk.role.save()
    with pytest.raises(NotAllowed):
        provisioning.approve(waiting, by=clerk, who=WHO, role=admin)
    assert User.objects.get(pk=waiting.pk).status == "pending"
    User.objects.filter(pk=waiting.pk).update(role=None)
    provisioning.approve(User.objects.get(pk=waiting.pk), by=clerk, who=WHO, role=developer)

    found = User.objects.get(pk=waiting.pk)
    assert (found.role, found.status) == (developer, "active")


def test_whoever_waits_with_a_role_above_is_let_in_by_a_super_admin_alone(cast, waiting):
    User.objects.filter(pk=waiting.pk).update(role=Role.objects.get(name="admin"))
    person = User.objects.get(pk=waiting.pk)
    with pytest.raises(NotAllowed):
        provisioning.approve(person, by=cast.guest, who=WHO)
    provisioning.approve(person, by=cast.ada, who=WHO)

    assert User.objects.get(pk=waiting.pk).may_act()
