"""The commands: all files or none, twice is once, a dry run writes nothing, and what is printed."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import PolicyVersion, Role, User
from audit.models import Entry
from omni2.configuration.problems import ConfigurationRefused
from registry.models import Server
from tests.omni2.importing import command, everything, meaning, problems, refused, run, write

pytestmark = pytest.mark.django_db

MCPS = """
mcps:
- name: one
  url: http://127.0.0.1:1/mcp
  role_restrictions: {developer: {allow_all: true}}
tests:
- {person: dev@example.com, server: one, tool: a, expect: allow}
"""
USERS = """
super_admins: [{email: boss@example.com}]
users: [{email: dev@example.com, role: developer, allowed_mcps: [one]}]
roles: {developer: {}}
"""
SLACK = "slack: {bot_token: xoxb-secret, workspace_id: T1}\n"
SETTINGS = "llm: {api_key: sk-secret, model: big}\n"


@pytest.fixture(autouse=True)
def deployment(settings: Any) -> None:
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:1"]


# --- All or none ---
def test_second_import_changes_nothing_at_all(tmp_path: Path) -> None:
    run(tmp_path, mcps=MCPS, users=USERS, slack=SLACK)
    before = everything()
    report = run(tmp_path, mcps=MCPS, users=USERS, slack=SLACK)
    assert (report.changes, everything()) == ([], before)


def test_one_file_after_the_other_is_the_same_as_both_at_once(tmp_path: Path) -> None:
    run(tmp_path, users=USERS)
    run(tmp_path, mcps=MCPS)
    apart = meaning()
    assert run(tmp_path, mcps=MCPS, users=USERS).changes == []
    assert meaning() == apart


def test_dry_run_says_the_same_and_leaves_every_row_as_it_was(tmp_path: Path) -> None:
    run(tmp_path, users="users: [{email: dev@example.com, name: Dev}]\n")
    before = everything()
    rehearsed = run(tmp_path, mcps=MCPS, users=USERS, dry_run=True)
    assert everything() == before
    assert run(tmp_path, mcps=MCPS, users=USERS) == rehearsed
    assert len(rehearsed.changes) == 7


@pytest.mark.parametrize("wrong", ["mcps", "users", "slack", "threading", "settings"])
def test_one_wrong_file_keeps_all_of_them_out(wrong: str, tmp_path: Path) -> None:
    texts = {"mcps": MCPS, "users": USERS, "slack": SLACK, "settings": SETTINGS, "threading": ""}
    texts[wrong] += "\nnonsense: 1\n"
    said = problems(tmp_path, **texts)
    assert [problem.split("; ")[0].split(": ", 1)[1] for problem in said] == [
        "nonsense: unknown key 'nonsense'"
    ]
    assert (User.objects.exists(), Server.objects.exists()) == (False, False)


def test_errors_of_all_files_are_shown_together(tmp_path: Path) -> None:
    said = problems(tmp_path, mcps="mcps: 1\nglobl: 2\n", users="a: !x 1\n", slack="- 1\n")
    assert [problem.split(": ")[0] for problem in said] == [
        "mcps.yaml:1",
        "mcps.yaml:2",
        "slack.yaml:1",
        "users.yaml:1",
    ]


def test_failing_test_of_the_file_undoes_people_too(tmp_path: Path) -> None:
    said = problems(tmp_path, mcps=MCPS.replace("expect: allow", "expect: ask"), users=USERS)
    assert [problem.split(": ")[:3] for problem in said] == [
        ["mcps.yaml:7", "tests[0]", "the test fails"]
    ]
    assert User.objects.exists() is False


# --- What is written ---
def test_import_is_published_and_on_the_record(tmp_path: Path) -> None:
    report = run(tmp_path, mcps=MCPS, users=USERS)
    version, entry = PolicyVersion.objects.get(), Entry.objects.get()
    assert (version.author, version.note) == ("tests", "imported mcps.yaml, users.yaml")
    assert version.difference.splitlines() == [
        "roles.developer: added",
        "role_restrictions.developer on one: allow_all: added",
    ]
    assert (entry.kind, entry.outcome, entry.person) == ("config.imported", "ok", "tests")
    assert entry.policy_version == version.digest
    assert entry.detail == {
        "files": ["mcps.yaml", "users.yaml"],
        "changes": report.changes,
        "difference": version.difference.splitlines(),
        "effect": [],
    }


def test_roles_of_both_files_are_one_row(tmp_path: Path) -> None:
    mcps = "roles: {r: {description: from mcps, can_bypass_restrictions: true}}\n"
    users = "roles: {r: {description: from users, permissions: {can_manage_users: true}}}\n"
    report = run(tmp_path, mcps=mcps, users=users)
    role = Role.objects.get()
    assert (role.description, role.can_bypass_tool_restrictions, role.can_manage_users) == (
        "from users",
        True,
        True,
    )
    assert [note.message for note in report.notes if "description" in note.message] == [
        "no effect here: roles.r.description (line 1), because users.yaml describes the role"
    ]


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    mcps = "roles: {r: {can_bypass_restrictions: true}}\n"
    users = "roles: {r: {permissions: {can_bypass_tool_restrictions: false}}}\n"
    assert problems(tmp_path, mcps=mcps, users=users) == [
        "mcps.yaml:1: roles.r.can_bypass_restrictions: "
        "users.yaml says the opposite in roles.r.permissions"
    ]


def test_groups_of_the_servers_file_hold_in_the_peoples_file(tmp_path: Path) -> None:
    users = "roles: {r: {denied_tools: ['@bad']}}\n"
    assert len(problems(tmp_path, users=users)) == 1
    run(tmp_path, mcps="tool_patterns: {bad: [drop_*]}\n", users=users)
    assert run(tmp_path, users=users).changes == []


def test_group_that_a_role_still_names_cannot_go(tmp_path: Path) -> None:
    users = "roles: {r: {denied_tools: ['@bad']}}\n"
    run(tmp_path, mcps="tool_patterns: {bad: [drop_*]}\n", users=users)
    assert problems(tmp_path, mcps="tool_patterns: {}\n") == [
        "mcps.yaml:1: the rules make no policy: roles.r.denied_tools: "
        "'@bad': there is no group of that name"
    ]


def test_who_is_missing_is_reported_and_disabled_on_request(tmp_path: Path) -> None:
    run(tmp_path, mcps=MCPS, users=USERS)
    rest = {"mcps": "mcps: []\n", "users": "super_admins: [{email: boss@example.com}]\n"}
    assert run(tmp_path, **rest).remarks[:2] == [
        "people not in the file: dev@example.com (left alone; --prune disables them)",
        "servers not in the file: one (left alone; --prune disables them)",
    ]
    assert (User.objects.filter(is_active=False).count(), Server.objects.get().enabled) == (0, True)
    run(tmp_path, prune=True, **rest)
    assert [user.email for user in User.objects.filter(is_active=False)] == ["dev@example.com"]
    assert Server.objects.get().enabled is False


# --- The commands ---
def test_import_config_prints_everything_there_is_to_say(tmp_path: Path) -> None:
    write(tmp_path, {"mcps": MCPS, "users": USERS, "settings": SETTINGS})
    (tmp_path / "other.yaml").write_text("a: 1\n")
    first = command("import_config", str(tmp_path), dry_run=True)
    assert first == [
        "not read: other.yaml",
        "not there: slack.yaml, threading.yaml",
        "settings.yaml: not imported: llm.api_key (line 1); set ANTHROPIC_API_KEY in the "
        "environment (a secret, not shown here)",
        "settings.yaml: not imported: llm.model (line 1); set OMNI2_MODEL=big in the environment",
        "tests of the file: 1 run",
        "role developer: added",
        "person boss@example.com: added (is_superuser True, is_staff True)",
        "person dev@example.com: added (role developer, allowed_mcps ['one'])",
        "server one: added (http http://127.0.0.1:1/mcp)",
        "policy, what a role may do on a server: one developer allow_all: added",
        "the policy says otherwise:",
        "  roles.developer: added",
        "  role_restrictions.developer on one: allow_all: added",
        "5 changes would be made (dry run: nothing was written)",
    ]
    assert command("import_config", str(tmp_path))[:-1] == first[:-1]
    assert command("import_config", str(tmp_path))[-1] == "nothing to change"


def test_errors_go_to_standard_error_and_the_command_fails(tmp_path: Path) -> None:
    write(tmp_path, {"mcps": "globl: 1\nmcps:\n- {name: a b, url: 'http://127.0.0.1:1/'}\n"})
    assert refused("import_servers", str(tmp_path / "mcps.yaml")) == (
        "2 errors; nothing was changed",
        [
            "mcps.yaml:1: globl: unknown key 'globl'; did you mean global?",
            "mcps.yaml:3: mcps[0].name: a server's name is 1 to 32 letters, digits, _ and -, "
            "beginning with no sign",
        ],
    )


def test_errors_are_red_where_there_is_colour(tmp_path: Path) -> None:
    write(tmp_path, {"mcps": "globl: [1]\n"})
    printed = io.StringIO()
    with pytest.raises(CommandError):
        call_command(
            "import_servers", str(tmp_path / "mcps.yaml"), stderr=printed, force_color=True
        )
    assert "\x1b[31m" in printed.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import_config", "{}/nowhere"], "there is no folder {}/nowhere"),
        (
            ["import_config", "{}"],
            "{} holds none of users.yaml, mcps.yaml, slack.yaml, threading.yaml, settings.yaml",
        ),
        (["import_people", "{}/users.yaml"], "1 error; nothing was changed"),
        (
            ["import_slack", "{}/a.yaml", "{}/b.yaml"],
            "one slack.yaml and one threading.yaml at most",
        ),
    ],
)
def test_files_that_are_not_there_are_an_error(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    message, _ = refused(*(argument.format(tmp_path) for argument in arguments))
    assert message == said.format(tmp_path)


def test_each_file_has_a_command_of_its_own(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        {
            "mcps": MCPS.split("tests:")[0],
            "users": USERS,
            "slack": SLACK,
            "settings": SETTINGS,
            "threading": "threading: {enabled: true}\n",
        },
    )
    last = [
        command(name, *map(str, files))[-1]
        for name, files in (
            ("import_people", [paths["users.yaml"]]),
            ("import_servers", [paths["mcps.yaml"]]),
            ("import_slack", [paths["threading.yaml"], paths["slack.yaml"]]),
            ("import_settings", [paths["settings.yaml"]]),
        )
    ]
    assert last == ["3 changes made", "2 changes made", "nothing to change", "nothing to change"]


def test_author_is_who_the_record_names(tmp_path: Path) -> None:
    paths = write(tmp_path, {"users": USERS})
    command("import_people", str(paths["users.yaml"]), author="boss@example.com")
    assert (Entry.objects.get().person, PolicyVersion.objects.get().author) == (
        "boss@example.com",
        "boss@example.com",
    )


def test_no_secret_is_printed_or_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "very-secret-reference")
    mcps = """
mcps:
- name: one
  url: http://127.0.0.1:1/mcp
  authentication: {type: basic, username: "${ONE_KEY}", password: very-secret-literal}
"""
    paths = write(tmp_path, {"mcps": mcps, "slack": SLACK, "settings": SETTINGS})
    printed = command("import_config", str(tmp_path))
    paths["mcps.yaml"].write_text(mcps.replace("literal", "literal-changed"))
    printed += command("import_config", str(tmp_path))
    assert "server one: credentials changed" in printed
    everywhere = "\n".join([*printed, str(everything())])
    assert [
        word for word in ("very-secret", "xoxb-secret", "sk-secret") if word in everywhere
    ] == []


def test_refusal_carries_its_report(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused) as error:
        run(tmp_path, mcps="globl: 1\n")
    assert (str(error.value), len(error.value.report.problems)) == (
        "1 error; nothing was changed",
        1,
    )
