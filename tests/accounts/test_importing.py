"""People, roles and rules → rows: each value reaches its column, twice is once."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from accounts.importing import (
    NobodyLeft,
    Outcome,
    PeopleSpec,
    PersonSpec,
    ProvisioningSpec,
    RoleSpec,
    RuleSpec,
    TeamSpec,
    apply_people,
    apply_policy,
    apply_roles,
)
from accounts.models import ProvisioningRule, Role, Rule, Team, UsageLimit, User

pytestmark = pytest.mark.django_db

ROLES = [RoleSpec("developer"), RoleSpec("viewer")]
TEAMS = [TeamSpec("one"), TeamSpec("two")]
PERSON = PersonSpec("dev@example.com")
OTHER_PERSON: dict[str, Any] = {
    "name": "Dev",
    "description": "builds",
    "role": "developer",
    "teams": ("one", "two"),
    "slack_user_id": "U1",
    "slack_team_id": "T1",
    "allowed_mcps": {"git": {"mode": "custom", "tools": ["a"]}},
    "allowed_domains": "*",
    "allowed_databases": ["shop"],
    "super_admin": True,
    "usage_limit": {
        "period_days": 7,
        "max_requests": 1,
        "max_tokens": 2,
        "max_cost": Decimal("0.5000"),
    },
}
OTHER_TEAM: dict[str, Any] = {
    "name": "Team",
    "description": "ours",
    "slack_channel": "#one",
    "notify_on_errors": True,
    "default_role": "viewer",
}


def people(*persons: PersonSpec, **more: Any) -> PeopleSpec:
    return PeopleSpec(**{"roles": ROLES, "teams": TEAMS, "people": persons} | more)


def person(field: str) -> Any:
    """The field of a PersonSpec as the rows say it."""
    user = User.objects.get(email=PERSON.email)
    if field == "super_admin":
        return user.is_superuser and user.is_staff
    if field == "teams":
        return tuple(user.teams.order_by("key").values_list("key", flat=True))
    if field == "role":
        return user.role.name if user.role else ""
    if field == "usage_limit":
        limit = UsageLimit.objects.filter(user=user).values(*OTHER_PERSON["usage_limit"]).first()
        return limit
    return getattr(user, field)


def test_tables_of_this_test_hold_every_field() -> None:
    assert OTHER_PERSON.keys() | {"email"} == {field.name for field in fields(PersonSpec)}
    assert OTHER_TEAM.keys() | {"key"} == {field.name for field in fields(TeamSpec)}


@pytest.mark.parametrize("field", OTHER_PERSON)
def test_persons_value_reaches_its_column_and_goes_again(field: str) -> None:
    changed = replace(PERSON, **{field: OTHER_PERSON[field]})
    apply_people(people(changed))
    assert person(field) == OTHER_PERSON[field]
    apply_people(people(PERSON))
    usual = OTHER_PERSON[field] if field == "slack_team_id" else getattr(PERSON, field)
    assert person(field) == usual
    apply_people(people(changed))
    assert person(field) == OTHER_PERSON[field]


@pytest.mark.parametrize("field", OTHER_TEAM)
def test_teams_value_reaches_its_column(field: str) -> None:
    spec = replace(TEAMS[0], **{field: OTHER_TEAM[field]})
    apply_people(people(teams=TEAMS))
    apply_people(people(teams=[spec]))
    value = getattr(Team.objects.get(key="one"), field)
    assert (value.name if isinstance(value, Role) else value) == OTHER_TEAM[field]


def test_role_keeps_the_columns_that_are_not_set() -> None:
    apply_roles([RoleSpec("r", {"can_manage_users": True, "denied_tools": ["a"]})])
    changes = apply_roles([RoleSpec("r", {"denied_tools": ["b"]})])
    role = Role.objects.get(name="r")
    assert (role.can_manage_users, role.denied_tools) == (True, ["b"])
    assert changes == ["role r: denied_tools ['a'] → ['b']"]


def test_second_import_changes_nothing() -> None:
    spec = people(
        replace(PERSON, **OTHER_PERSON),
        provisioning=[ProvisioningSpec("@example.com", "", "viewer", False)],
        default_user=RuleSpec("default_user", condition={"role": "viewer"}),
    )
    apply_people(spec)
    before = list(User.objects.values()) + list(ProvisioningRule.objects.values())
    assert apply_people(spec) == Outcome()
    assert list(User.objects.values()) + list(ProvisioningRule.objects.values()) == before


def test_imported_person_has_no_password() -> None:
    apply_people(people(PERSON))
    assert User.objects.get().has_usable_password() is False


def test_difference_is_in_words() -> None:
    first = apply_people(people(replace(PERSON, role="viewer", teams=("one",))))
    second = apply_people(people(replace(PERSON, role="developer", teams=("two",))))
    assert first.changes[-2:] == (
        "person dev@example.com: added (role viewer)",
        "person dev@example.com: joins one",
    )
    assert second.changes == (
        "person dev@example.com: role viewer → developer",
        "person dev@example.com: joins two",
        "person dev@example.com: leaves one",
    )


@pytest.mark.parametrize(
    ("standing", "values"),
    [("suspended", {"status": "suspended"}), ("switched off", {"is_active": False})],
)
def test_import_gives_nobody_their_standing_back(standing: str, values: dict[str, Any]) -> None:
    apply_people(people(PERSON))
    User.objects.update(**values)
    apply_people(people(replace(PERSON, name="Dev")))
    user = User.objects.get()
    assert (user.name, user.may_act()) == ("Dev", False), standing


def test_who_is_no_super_admin_any_more_loses_the_admin_pages_too() -> None:
    apply_people(people(replace(PERSON, super_admin=True)))
    apply_people(people(PERSON))
    user = User.objects.get()
    assert (user.is_superuser, user.is_staff) == (False, False)


def test_admin_pages_given_by_hand_stay() -> None:
    apply_people(people(PERSON))
    User.objects.update(is_staff=True)
    assert apply_people(people(PERSON)) == Outcome()


def test_two_people_may_change_slack_users() -> None:
    one, two = PERSON, PersonSpec("two@example.com")
    apply_people(people(replace(one, slack_user_id="U1"), replace(two, slack_user_id="U2")))
    apply_people(people(replace(one, slack_user_id="U2"), replace(two, slack_user_id="U1")))
    assert dict(User.objects.values_list("email", "slack_user_id")) == {
        one.email: "U2",
        two.email: "U1",
    }


def test_person_who_is_not_named_is_left_alone_or_disabled_with_prune() -> None:
    apply_people(people(PERSON, PersonSpec("boss@example.com", super_admin=True)))
    boss = people(PersonSpec("boss@example.com", super_admin=True))
    assert apply_people(boss) == Outcome(missing=(PERSON.email,))
    assert User.objects.get(email=PERSON.email).may_act() is True
    assert apply_people(boss, prune=True).changes == (
        "person dev@example.com: disabled, since the file does not name them",
    )
    assert User.objects.get(email=PERSON.email).may_act() is False


def test_prune_never_leaves_nobody_who_may_administer() -> None:
    apply_people(people(PersonSpec("boss@example.com", super_admin=True)))
    with pytest.raises(NobodyLeft):
        apply_people(people(PERSON), prune=True)


def test_newcomers_enter_as_the_file_says_and_no_other_way() -> None:
    domain = ProvisioningSpec("@example.com", "", "viewer", False)
    apply_people(people(provisioning=[ProvisioningSpec(), domain]))
    rows = ProvisioningRule.objects.values_list(
        "email_domain", "slack_team", "default_role__name", "require_approval"
    )
    assert list(rows) == [("", "", None, True), ("@example.com", "", "viewer", False)]
    assert apply_people(people()).changes == (
        "provisioning rule everybody else: removed",
        "provisioning rule @example.com: removed",
    )


# --- Rules ---
def rules() -> list[tuple[Any, ...]]:
    columns = ("kind", "server", "role", "name", "mode", "patterns", "condition", "position")
    return list(Rule.objects.values_list(*columns))


RULES = [
    RuleSpec("argument", name="n", patterns=("a",), condition={"argument": "x", "min": 1}),
    RuleSpec("blocked", patterns=("drop_*",)),
    RuleSpec("exposure", server="git", mode="allow_only", patterns=("a", "b")),
    RuleSpec("role", server="git", role="r", mode="deny", patterns=("c",), position=3),
]


def test_rules_are_written_whole_and_twice_is_once() -> None:
    apply_policy(RULES, servers=["git"])
    assert rules() == [
        ("argument", "", "", "n", "", ["a"], {"argument": "x", "min": 1}, 0),
        ("blocked", "", "", "", "", ["drop_*"], {}, 0),
        ("exposure", "git", "", "", "allow_only", ["a", "b"], {}, 0),
        ("role", "git", "r", "", "deny", ["c"], {}, 3),
    ]
    before = list(Rule.objects.values())
    assert apply_policy(RULES, servers=["git"]) == []
    assert list(Rule.objects.values()) == before


def test_rules_that_are_not_named_go_and_changed_ones_keep_their_row() -> None:
    apply_policy(RULES, servers=["git"])
    kept = Rule.objects.get(kind="blocked").pk
    changes = apply_policy([RuleSpec("blocked", patterns=("kill_*",))], servers=["git"])
    assert (rules(), Rule.objects.get().pk) == (
        [("blocked", "", "", "", "", ["kill_*"], {}, 0)],
        kept,
    )
    assert changes == [
        "policy, argument rule: n: removed (a; argument: 'x', min: 1)",
        "policy, blocked for everybody: drop_* → kill_*",
        "policy, what a server exposes: git allow_only: removed (a, b)",
        "policy, what a role may do on a server: git r deny: removed (c)",
    ]


def test_rules_of_other_servers_and_of_the_people_are_left_alone() -> None:
    apply_policy(RULES, servers=["git"])
    apply_people(people(default_user=RuleSpec("default_user", condition={"role": "viewer"})))
    apply_policy([], servers=["time"])
    assert [rule[0] for rule in rules()] == ["default_user", "exposure", "role"]
    apply_people(people())
    assert [rule[0] for rule in rules()] == ["exposure", "role"]
