"""users.yaml: what people, roles and teams must be, each error with its line, and their rows."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import access
from accounts.models import ProvisioningRule, Role, Rule, Team, UsageLimit, User
from accounts.policy import Effect, Target, compile_policy, decide
from omni2.configuration.problems import ConfigurationRefused
from registry.models import Server
from tests.omni2.importing import problems, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def git(db: None) -> None:
    Server.objects.create(name="git", transport="http")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("users:\n- {name: a}\n", "users.yaml:2: users[0]: email is missing"),
        (
            "users:\n- {email: nobody}\n",
            "users.yaml:2: users[0].email: 'nobody' is no e-mail address",
        ),
        (
            "super_admins:\n- {email: a@example.com}\nusers:\n- {email: ' A@Example.com'}\n",
            "users.yaml:4: users[0].email: stands in line 2 already",
        ),
        (
            "users:\n- {email: a@example.com, slack_user_id: U1, slack_team_id: T}\n"
            "- {email: b@example.com, slack_user_id: U1, slack_team_id: T}\n",
            "users.yaml:3: users[1].slack_user_id: is the Slack user of the person "
            "in line 2 already",
        ),
        (
            "users:\n- {email: a@example.com, slack_user_id: U9, slack_team_id: T}\n",
            "users.yaml:2: users[0].slack_user_id: is the Slack user of old@example.com already",
        ),
        (
            "users:\n- email: a@example.com\n  role: a b\n",
            "users.yaml:3: users[0].role: a role's name is 1 to 64 letters, digits, _ and -",
        ),
        (
            "users:\n- email: a@example.com\n  teams: [ok, a/b]\n",
            "users.yaml:3: users[0].teams[1]: a team's key is 1 to 64 letters, digits, _ and -",
        ),
        (
            "teams:\n  a b: {}\n",
            "users.yaml:2: teams['a b']: a team's key is 1 to 64 letters, digits, _ and -",
        ),
        (
            "roles:\n  a b: {}\n",
            "users.yaml:2: roles['a b']: a role's name is 1 to 64 letters, digits, _ and -",
        ),
        (
            "roles:\n  r:\n    denied_tools: [a, 'b{c}']\n",
            "users.yaml:3: roles.r.denied_tools[1]: 'b{c}': '{' has no meaning here, "
            "only * and ? do",
        ),
        (
            "roles:\n  r:\n    allowed_mcp_tools:\n      git: ['@none']\n",
            "users.yaml:4: roles.r.allowed_mcp_tools.git[0]: there is no group @none; "
            "nothing is known here",
        ),
        (
            "users:\n- email: a@example.com\n  allowed_mcps:\n    git: {mode: all, tools: [a]}\n",
            "users.yaml:4: users[0].allowed_mcps.git.tools: has no effect with mode all; "
            "it needs mode: custom",
        ),
        (
            "users:\n- email: a@example.com\n  allowed_mcps:\n"
            "    git: {mode: custom, tools: ['a b']}\n",
            "users.yaml:4: users[0].allowed_mcps.git.tools[0]: 'a b': spaces and invisible "
            "characters are not allowed",
        ),
        (
            "default_user:\n  allowed_mcps: ['git*']\n",
            "users.yaml:2: default_user.allowed_mcps.git*: a server is named exactly, "
            "without * ? / or spaces",
        ),
        (
            "auto_provisioning:\n  email_domain_mapping:\n    example.com: {}\n",
            "users.yaml:3: auto_provisioning.email_domain_mapping['example.com']: "
            "a domain is written with its @, as in '@example.com'",
        ),
        (
            "users:\n- email: a@example.com\n  usage_limit: {max_cost: -1}\n",
            "users.yaml:3: users[0].usage_limit.max_cost: expected a number, found '-1'",
        ),
        (
            "user_audit:\n  suspicious_patterns: [after_hour_access]\n",
            "users.yaml:2: user_audit.suspicious_patterns[0]: expected rapid_successive_requests | "
            "after_hours_access | blocked_tool_attempts | unusual_database_access, "
            "found 'after_hour_access'; did you mean after_hours_access?",
        ),
    ],
)
def test_error_names_line_and_field(text: str, said: str, tmp_path: Path) -> None:
    User.objects.create_user("old@example.com", slack_user_id="U9", slack_team_id="T")
    assert problems(tmp_path, users=text) == [said]


def test_people_roles_and_teams_become_rows(tmp_path: Path) -> None:
    text = """
        super_admins: [{email: Boss@Example.com, name: Boss}]
        users:
        - email: dev@example.com
          role: developer
          teams: [builders]
          allowed_mcps: [git]
          allowed_domains: [code]
          allowed_databases: ["*", shop]
          usage_limit: {max_requests: 5, max_cost: 0.1}
        roles:
          developer:
            permissions: {can_access_all_databases: true}
            rate_limit: {requests_per_hour: 9, concurrent_requests: 2}
        teams: {builders: {name: Builders, default_role: developer}}
        """
    run(tmp_path, users=text)
    boss, dev = User.objects.all()
    assert (boss.email, boss.is_superuser, dev.is_superuser) == ("boss@example.com", True, False)
    assert (dev.role, dev.allowed_mcps, dev.allowed_databases) == (Role.objects.get(), ["git"], "*")
    assert list(dev.teams.all()) == [Team.objects.get(key="builders", default_role=dev.role)]
    limit = UsageLimit.objects.get(user=dev)
    assert (limit.period_days, limit.max_requests, limit.max_cost) == (30, 5, Decimal("0.1"))
    role = Role.objects.get()
    assert (role.requests_per_hour, role.concurrent_requests) == (9, 2)
    assert (role.can_access_all_databases, role.can_manage_users) == (True, False)


def test_a_roles_usage_limit_is_the_files_to_say(tmp_path: Path) -> None:
    limited = "roles: {r: {usage_limit: {max_requests: %s, max_cost: 0.1}}}\n"
    lines = [
        run(tmp_path, users=text).changes
        for text in (limited % 5, limited % 5, limited % 6, "roles: {r: {}}\n")
    ]
    assert [[line for line in changes if "limit" in line] for changes in lines] == [
        ["usage limit r: added (period_days 30, max_requests 5, max_cost Decimal('0.1000'))"],
        [],
        ["usage limit r: max_requests 5 → 6"],
        ["usage limit r: removed"],
    ]


def test_a_roles_usage_limit_stays_where_mcps_yaml_alone_names_the_role(tmp_path: Path) -> None:
    UsageLimit.objects.create(role=Role.objects.create(name="r"), max_requests=5)
    run(tmp_path, mcps="roles: {r: {can_modify_config: true}}\n")
    assert UsageLimit.objects.get().max_requests == 5


def test_right_that_the_file_does_not_write_any_more_is_gone(tmp_path: Path) -> None:
    run(tmp_path, users="roles: {r: {permissions: {can_bypass_tool_restrictions: true}}}\n")
    report = run(tmp_path, users="roles: {r: {}}\n")
    assert report.changes == ["role r: can_bypass_tool_restrictions True → False"]


@pytest.mark.parametrize(
    ("reach", "tool", "effect"),
    [
        ('"*"', "a", "allow"),
        ("[git]", "a", "allow"),
        ("[]", "a", "deny"),
        ('{git: "*"}', "other", "allow"),
        ("{git: {mode: all}}", "other", "allow"),
        ("{git: {mode: none}}", "a", "deny"),
        ("{git: {mode: inherit}}", "a", "allow"),
        ("{git: {mode: inherit}}", "other", "deny"),
        ("{git: {mode: custom, tools: [other]}}", "other", "allow"),
        ("{git: {mode: custom, tools: ['*'], deny: [a]}}", "a", "deny"),
    ],
)
def test_reach_decides_as_it_is_written(reach: str, tool: str, effect: str, tmp_path: Path) -> None:
    text = f"""
        users: [{{email: a@example.com, role: r, allowed_mcps: {reach}}}]
        roles: {{r: {{allowed_tool_patterns: [a]}}}}
        """
    run(tmp_path, users=text)
    policy = compile_policy(access.build_document())
    subject = access.subject_of(User.objects.get())
    decision = decide(policy, subject, Target("git", tool), {}, timezone.now())
    assert decision.effect == Effect(effect)


def test_default_user_is_one_rule(tmp_path: Path) -> None:
    text = "default_user: {role: viewer, allowed_mcps: [git], allowed_databases: ['*']}\n"
    run(tmp_path, users=text + "roles: {viewer: {}}\n")
    assert list(Rule.objects.values_list("kind", "condition")) == [
        (
            "default_user",
            {"role": "viewer", "allowed_mcps": ["git"], "allowed_databases": "*"},
        )
    ]


def test_names_that_nothing_defines_are_warned_of_and_made_without_rights(tmp_path: Path) -> None:
    text = """
        users: [{email: a@example.com, role: viewr, teams: [bilders], allowed_mcps: [gti]}]
        roles: {viewer: {}}
        teams: {builders: {}}
        """
    report = run(tmp_path, users=text)
    assert sorted(note.message for note in report.warnings) == [
        "users[0].allowed_mcps[0] (line 2): there is no server 'gti'; did you mean git?",
        "users[0].role (line 2): no file defines the role 'viewr'; did you mean viewer? "
        "(it is made, with no rights at all)",
        "users[0].teams[0] (line 2): no file defines the team 'bilders'; did you mean builders? "
        "(it is made)",
    ]
    user = User.objects.select_related("role").get()
    assert user.role is not None
    assert (user.role.name, user.teams.get().key) == ("viewr", "bilders")
    assert (
        any(getattr(user.role, f.name) for f in Role._meta.fields if f.name[:4] == "can_") is False
    )


PROVISIONING = """
roles: {viewer: {}, developer: {}}
auto_provisioning:
  enabled: true
  default_role: viewer
  require_approval: false
  email_domain_mapping:
    "@Example.com": {default_role: developer}
  slack_team_mapping:
    T1: {require_approval: true}
"""


def test_newcomers_rules_are_stored_when_they_are_enabled(tmp_path: Path) -> None:
    report = run(tmp_path, users=PROVISIONING)
    columns = ("email_domain", "slack_team", "default_role__name", "require_approval")
    assert list(ProvisioningRule.objects.values_list(*columns)) == [
        ("", "", "viewer", False),
        ("", "T1", "viewer", True),
        ("@example.com", "", "developer", False),
    ]
    assert report.notes == []
    run(tmp_path, users=PROVISIONING.replace("enabled: true", "enabled: false"))
    assert ProvisioningRule.objects.exists() is False


@pytest.mark.parametrize(
    ("keys", "slack", "stored", "warnings"),
    [
        ("slack_team_id: T1", None, "T1", 0),
        ("slack_team_id: T1", "slack: {workspace_id: T2}\n", "T1", 0),
        ("", "slack: {workspace_id: T2}\n", "T2", 0),
        ("", "slack: {}\n", "", 1),
        ("", None, "", 1),
    ],
)
def test_slack_user_needs_a_workspace(
    keys: str, slack: str | None, stored: str, warnings: int, tmp_path: Path
) -> None:
    users = f"users:\n- email: a@example.com\n  slack_user_id: U1\n  {keys}\n"
    report = run(tmp_path, users=users, **({"slack": slack} if slack else {}))
    assert (User.objects.get().slack_team_id, len(report.warnings)) == (stored, warnings)


def test_workspace_that_is_stored_stays(tmp_path: Path) -> None:
    User.objects.create_user("a@example.com", slack_user_id="U1", slack_team_id="T1")
    text = "users: [{email: a@example.com, slack_user_id: U1}]\n"
    report = run(tmp_path, users=text)
    assert (User.objects.get().slack_team_id, report.warnings) == ("T1", [])


def test_prune_that_would_lock_everybody_out_is_refused(tmp_path: Path) -> None:
    User.objects.create_superuser("boss@example.com")
    with pytest.raises(ConfigurationRefused) as refused:
        run(tmp_path, users="users: [{email: a@example.com}]\n", prune=True)
    assert list(map(str, refused.value.report.problems)) == [
        "users.yaml:1: super_admins: with --prune, nobody who may administer would be left"
    ]
    assert list(User.objects.values_list("email", "is_active")) == [("boss@example.com", True)]
