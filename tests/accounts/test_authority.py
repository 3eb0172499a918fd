"""Who may administer what."""

import threading

import pytest
from django.db import connections

from accounts import authority
from accounts.authority import Right
from accounts.errors import Conflict, NotAllowed
from accounts.models import Role, Rule, Team, User

EVERYTHING = frozenset((*authority.FLAGS, "admin"))


@pytest.fixture
def roles(db) -> dict[str, Role]:
    """Roles that can do different things."""
    flags = {
        "nothing": [],
        "people": ["can_manage_users"],
        "people2": ["can_manage_users"],
        "both": ["can_manage_users", "can_promote_users"],
        "bypass": ["can_bypass_tool_restrictions"],
        "all": list(authority.FLAGS),
        "admin": list(authority.FLAGS),
    }
    return {
        name: Role.objects.create(name=name, **dict.fromkeys(own, True))
        for name, own in flags.items()
    }


def person(role: Role | None = None, **fields) -> User:
    return User.objects.create_user(f"p{User.objects.count()}@example.com", role=role, **fields)


# --- Rights ---------------------------------------------------------------------------------------
def test_a_right_is_a_flag_of_the_role(roles):
    clerk = person(roles["people"])

    assert {right.value: authority.has(clerk, right) for right in Right} == {
        "can_manage_users": True,
        "can_promote_users": False,
        "can_modify_config": False,
        "can_view_audit_logs": False,
        "can_approve_calls": False,
    }
    assert authority.has(person(roles["nothing"]), Right.MANAGE_USERS) is False


def test_a_super_admin_has_every_right_whatever_their_role(roles):
    assert all(authority.has(person(roles["nothing"], is_superuser=True), one) for one in Right)


@pytest.mark.parametrize(
    "fields", [{"status": "suspended"}, {"status": "pending"}, {"is_active": False}]
)
def test_whoever_may_not_act_has_no_right(roles, fields):
    assert not authority.has(person(is_superuser=True, **fields), Right.MANAGE_USERS)
    assert not authority.has(person(roles["people"], **fields), Right.MANAGE_USERS)


def test_a_missing_right_is_a_403_that_says_which(roles):
    with pytest.raises(NotAllowed) as refused:
        authority.require(person(roles["nothing"]), Right.PROMOTE_USERS)

    assert (refused.value.status, str(refused.value)) == (
        403,
        "To change roles and teams of people, your role needs can_promote_users.",
    )
    authority.require(person(roles["both"]), Right.PROMOTE_USERS)


def test_of_several_teams_every_role_must_have_the_right(roles):
    one = person()
    for name in ("both", "people"):
        one.teams.add(Team.objects.create(key=name, default_role=roles[name]))

    assert authority.powers_of(one) == {"can_manage_users"}


def test_the_default_users_role_counts_for_whoever_has_none(roles):
    Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "people"})

    assert authority.powers_of(person()) == {"can_manage_users"}


# --- Above ----------------------------------------------------------------------------------------
# What the administrator's role is, and which roles they may hand out.
HANDED_OUT = {
    "nothing": {"nothing"},
    "people": {"nothing", "people", "people2"},
    "both": {"nothing", "people", "people2", "both"},
    "bypass": {"nothing", "bypass"},
    "all": {"nothing", "people", "people2", "both", "bypass", "all"},
    "admin": {"nothing", "people", "people2", "both", "bypass", "all", "admin"},
}


@pytest.mark.parametrize("own", HANDED_OUT)
def test_nobody_hands_out_a_role_that_can_do_what_theirs_cannot(roles, own):
    clerk = person(roles[own])
    allowed = {name for name, role in roles.items() if authority.may_hand_out(clerk, role)}
    listed = set(authority.may_be_given(clerk, Role.objects.all()).values_list("name", flat=True))

    assert (allowed, listed) == (HANDED_OUT[own], HANDED_OUT[own])


@pytest.mark.parametrize("own", HANDED_OUT)
def test_nobody_administers_whoever_is_above_them(roles, own):
    clerk = person(roles[own])
    people = {name: person(role) for name, role in roles.items()}
    allowed = {name for name, one in people.items() if authority.may_administer(clerk, one)}
    listed = authority.may_be_given(clerk, User.objects.all()).values_list("role__name", flat=True)

    assert (allowed, set(listed)) == (HANDED_OUT[own], HANDED_OUT[own])


def test_a_super_admin_hands_out_everything_and_administers_everybody(roles):
    ada = person(is_superuser=True)

    assert all(authority.may_hand_out(ada, role) for role in roles.values())
    assert authority.may_administer(ada, person(is_superuser=True))


@pytest.mark.parametrize("way", ["super admin", "staff", "team", "hidden team", "default"])
def test_somebody_is_above_in_more_ways_than_by_their_role(roles, way):
    clerk = person(roles["people"])
    other = person(roles["nothing"] if way == "hidden team" else None)
    assert authority.may_administer(clerk, other)
    if way == "super admin":
        other.is_superuser = True
    if way == "staff":
        other.is_staff = True
    if way in ("team", "hidden team"):
        other.teams.add(Team.objects.create(key="lead", default_role=roles["bypass"]))
    if way == "default":
        Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "bypass"})
    other.save()

    assert not authority.may_administer(clerk, other)


def test_what_is_refused_is_said(roles):
    clerk = person(roles["people"])
    with pytest.raises(NotAllowed, match="The role both is above yours: can_promote_users."):
        authority.require_hand_out(clerk, roles["both"])
    with pytest.raises(NotAllowed, match="Nobody does this to themselves."):
        authority.require_over(clerk, clerk)
    with pytest.raises(NotAllowed, match="only a super admin"):
        authority.require_over(clerk, person(is_superuser=True))
    authority.require_over(clerk, person(roles["nothing"]))
    authority.require_hand_out(clerk, roles["people2"])


def test_a_team_is_as_high_as_its_default_role(roles):
    clerk = person(roles["people"])
    for name in ("nothing", "people", "bypass"):
        Team.objects.create(key=name, default_role=roles[name])
    Team.objects.create(key="without")

    listed = authority.may_be_given(clerk, Team.objects.all()).values_list("key", flat=True)
    assert set(listed) == {"nothing", "people", "without"}


def test_nobody_rewrites_their_own_role_or_one_above(roles):
    clerk = person(roles["people"])
    allowed = {name for name, role in roles.items() if authority.may_change_role(clerk, role)}

    assert allowed == {"nothing", "people2"}
    assert authority.may_change_role(person(roles["people"], is_superuser=True), roles["people"])


# --- The last super admin -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change", [{"is_superuser": False}, {"is_active": False}, {"status": "suspended"}]
)
def test_the_last_super_admin_stays(db, change):
    first, second = person(is_superuser=True), person(is_superuser=True)
    with authority.keeping_a_super_admin():
        User.objects.filter(pk=first.pk).update(**change)
    with pytest.raises(Conflict), authority.keeping_a_super_admin():
        User.objects.filter(pk=second.pk).update(**change)

    assert User.objects.get(pk=second.pk).may_act()
    assert User.objects.get(pk=second.pk).is_superuser


@pytest.mark.django_db(transaction=True)
def test_two_who_suspend_each_other_at_once_leave_one():
    both = [person(is_superuser=True), person(is_superuser=True)]
    start, said = threading.Barrier(2), []

    def suspend(other: User) -> None:
        start.wait()
        try:
            with authority.keeping_a_super_admin():
                User.objects.filter(pk=other.pk).update(status=User.Status.SUSPENDED)
            said.append("done")
        except Conflict:
            said.append("conflict")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=suspend, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["conflict", "done"]
    assert User.objects.filter(is_superuser=True, status="active").count() == 1
