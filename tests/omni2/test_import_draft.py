"""policy.yaml: a change of the policy, seen in rules, effect and recorded calls, then made."""

import time
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import access
from accounts.models import PolicyVersion, Role, Rule, ServerGrant, User
from accounts.policy import Inputs, Subject, Target
from audit import record
from audit.models import Entry
from registry.models import Server, Tool
from tests.omni2.importing import command, everything, refused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    """One server with three tools; developers may read, Dev has a grant to write."""
    role = Role.objects.create(name="dev", denied_tools=["x_*"])
    server = Server.objects.create(name="db", transport=Server.Transport.HTTP, url="http://x/mcp")
    for name in ("get_a", "get_b", "set_a"):
        Tool.objects.create(server=server, name=name, qualified_name=f"db__{name}", state="offered")
    Rule.objects.create(kind="role", server="db", role="dev", mode="allow_only", patterns=["get_*"])
    Rule.objects.create(kind="role", server="crm", role="dev", mode="allow_all")
    Rule.objects.create(kind="blocked", patterns=["drop_*"])
    Rule.objects.create(kind="group", name="reads", patterns=["get_*"])
    dev = User.objects.create_user("dev@example.com", role=role, allowed_mcps=["db"])
    ServerGrant.objects.create(user=dev, server="db", tools=["set_*"])
    access.publish("tests")


def draft(folder: Path, text: str) -> str:
    path = folder / "policy.yaml"
    path.write_text(dedent(text))
    return str(path)


def recorded(tool: str, days: int, arguments: dict[str, Any] | None = None) -> None:
    """A call of Dev's, so many days ago."""
    at = timezone.now() - timedelta(days=days)
    user = User.objects.select_related("role").get(email="dev@example.com")
    inputs = Inputs(access.subject_of(user), Target("db", tool), at)
    given = arguments or {}
    entry = record.prepare(
        Entry.Kind.CALL_CALLING,
        Entry.Outcome.PENDING,
        arguments=given,
        inputs=inputs.as_json(),
        decision=inputs.decide(access.current()[0], given).summary(),
    )
    entry.at = at
    entry.digest = entry.reckon_digest()
    record.write_many([entry])


NARROW = """
    mcps:
    - name: db
      role_restrictions: {dev: {allow_only: [get_a]}}
    """
DENIED = "(role_restrictions.dev on db: allow_only get_a)"


# --- What it changes, and what it leaves ---
def test_dry_run_shows_rules_and_effect_and_writes_nothing(tmp_path: Path) -> None:
    before = everything()
    printed = command("import_policy", draft(tmp_path, NARROW), "--dry-run")
    assert printed == [
        "policy, what a role may do on a server: db dev allow_only: get_* → get_a",
        "the policy says otherwise:",
        "  role_restrictions.dev on db: allow_only: added get_a; removed get_*",
        "who gains, who loses:",
        f"  role dev loses on db: get_b {DENIED}",
        f"  person dev@example.com loses on db: get_b {DENIED}",
        "1 change would be made (dry run: nothing was written)",
    ]
    assert everything() == before


def test_what_the_file_does_not_speak_of_stays(tmp_path: Path) -> None:
    command("import_policy", draft(tmp_path, NARROW))
    document = access.build_document()
    assert document["servers"] == {
        "db": {"role_restrictions": {"dev": {"allow_only": ["get_a"]}}},
        "crm": {"role_restrictions": {"dev": {"allow_all": True}}},
    }
    assert (document["blocked_tools"], document["groups"]) == (["drop_*"], {"reads": ["get_*"]})
    assert Role.objects.get().denied_tools == ["x_*"]


EVERYTHING = """
    global: {default_effect: allow, blocked_tools: [], admin_only_tools: [adm_*]}
    tool_patterns: {reads: [get_*, list_*], more: [m]}
    mcps: [{name: crm, tool_policy: {mode: allow_only, allow: ["@more"]}}]
    roles: {dev: {permissions: {can_access_all_databases: true}, allowed_tool_patterns: [q_*]}}
    default_user: {role: dev, allowed_mcps: [db]}
    argument_rules: [{name: small, tools: ["*"], argument: limit, max: 5}]
    require_confirmation: {actions: [set_*]}
    people: {Dev@example.com: {allowed_mcps: {db: {mode: custom, tools: [get_a]}}}}
    grants: [{person: dev@example.com, server: db, tools: [set_a]}]
    """


def test_every_section_is_applied_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    path = draft(tmp_path, EVERYTHING)
    command("import_policy", path)
    document = access.build_document()
    assert (document["default_effect"], document["blocked_tools"]) == ("allow", [])
    assert document["admin_only_tools"] == ["adm_*"]
    assert document["groups"] == {"more": ["m"], "reads": ["get_*", "list_*"]}
    assert document["servers"]["crm"] == {"tool_policy": {"mode": "allow_only", "allow": ["@more"]}}
    assert document["roles"]["dev"] == {
        "can_bypass_tool_restrictions": False,
        "can_execute_dangerous_tools": False,
        "can_access_all_databases": True,
        "denied_tools": ["x_*"],
        "allowed_mcp_tools": {},
        "allowed_tool_patterns": ["q_*"],
    }
    assert document["default_user"] == {"role": "dev", "allowed_mcps": ["db"]}
    assert [rule["name"] for rule in document["argument_rules"]] == ["small"]
    assert document["require_confirmation"]["actions"] == ["set_*"]
    assert User.objects.get().allowed_mcps == {"db": {"mode": "custom", "tools": ["get_a"]}}
    assert ServerGrant.objects.get().tools == ["set_a"]
    assert command("import_policy", path)[-1] == "nothing to change"


def test_a_person_is_given_another_role_and_keeps_their_reach(tmp_path: Path) -> None:
    Role.objects.create(name="reader")
    access.publish("tests")
    path = draft(tmp_path, "people: {Dev@example.com: {role: reader}}\n")
    printed = command("import_policy", path)
    assert printed[-4:] == [
        "person dev@example.com: role dev → reader",
        "who gains, who loses:",
        "  person dev@example.com loses on db: get_a, get_b (global.default_effect: deny)",
        "1 change made",
    ]
    dev = User.objects.select_related("role").get()
    assert (str(dev.role), dev.allowed_mcps) == ("reader", ["db"])
    assert command("import_policy", path)[-1] == "nothing to change"


def test_a_grant_with_no_tools_left_is_revoked(tmp_path: Path) -> None:
    text = "grants: [{person: dev@example.com, server: db, tools: []}]\n"
    printed = command("import_policy", draft(tmp_path, text))
    assert printed[:4] == [
        "grant dev@example.com on db: revoked (set_*)",
        "who gains, who loses:",
        "  person dev@example.com loses on db: set_a "
        "(role_restrictions.dev on db: allow_only get_*)",
        "1 change made",
    ]
    assert ServerGrant.objects.exists() is False


def test_the_change_is_a_version_and_on_the_record_with_its_effect(tmp_path: Path) -> None:
    command("import_policy", draft(tmp_path, NARROW), "--author", "carol")
    version, entry = PolicyVersion.objects.latest("pk"), Entry.objects.get()
    assert (version.author, version.note) == ("carol", "imported policy.yaml")
    assert version.difference == (
        "role_restrictions.dev on db: allow_only: added get_a; removed get_*"
    )
    assert (entry.kind, entry.person) == ("config.imported", "carol")
    assert entry.detail["effect"] == [
        f"role dev loses on db: get_b {DENIED}",
        f"person dev@example.com loses on db: get_b {DENIED}",
    ]
    assert [change["tools"] for change in version.effect or ()] == [["get_b"], ["get_b"]]


# --- What keeps it out (T-60) ---
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system [id]\n", "policy.yaml:1: a: the tag "),
        ("blocked: 1\n", "policy.yaml:1: blocked: unknown key 'blocked'"),
        ("global: {blocked_tools: ['a[b]']}\n", "policy.yaml:1: global.blocked_tools[0]: 'a[b]'"),
        ("roles: {nobody: {}}\n", "policy.yaml:1: roles.nobody: there is no role 'nobody'"),
        ("people: {x@y.z: {allowed_mcps: '*'}}\n", "policy.yaml:1: people['x@y.z']: there is no"),
        (
            "people: {dev@example.com: {role: devs}}\n",
            "policy.yaml:1: people['dev@example.com'].role: there is no role 'devs'",
        ),
        (
            "grants: [{person: dev@example.com, server: crm, tools: ['*']}]\n",
            "policy.yaml:1: grants[0]: dev@example.com has no grant on crm",
        ),
        ("mcps: [{name: db}, {name: db}]\n", "policy.yaml:1: mcps[1].name: this server stands"),
        ("mcps: [{name: db, url: 'http://x'}]\n", "policy.yaml:1: mcps[0].url: unknown key"),
        ("tool_patterns: {}\nglobal: {blocked_tools: ['@reads']}\n", "policy.yaml:2: global.block"),
        (
            "tests: [{role: dev, server: db, tool: set_a, expect: allow}]\n",
            "policy.yaml:1: tests[0]: the test fails: expected allow, got deny (layer role, ",
        ),
    ],
)
def test_a_wrong_file_changes_nothing_and_is_told_why(text: str, said: str, tmp_path: Path) -> None:
    before = everything()
    last, lines = refused("import_policy", draft(tmp_path, text))
    assert (last, [line.startswith(said) for line in lines]) == (
        "1 error; nothing was changed",
        [True],
    )
    assert everything() == before


def test_an_alias_bomb_is_refused_within_a_second(tmp_path: Path) -> None:
    lines = ["a0: &a0 [get_*]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)
    ]
    started = time.process_time()
    last, _ = refused("import_policy", draft(tmp_path, "\n".join(lines)))
    assert last == "1 error; nothing was changed"
    assert time.process_time() - started < 1


def test_tests_of_the_file_run_on_the_draft(tmp_path: Path) -> None:
    tests = "tests: [{role: dev, server: db, tool: get_b, expect: deny}]\n"
    assert "tests of the file: 1 run" in command(
        "import_policy", draft(tmp_path, dedent(NARROW) + tests)
    )


# --- On recorded calls ---
def test_it_is_rehearsed_on_the_calls_of_the_period(tmp_path: Path) -> None:
    for tool, days in (("get_b", 1), ("get_b", 2), ("get_a", 2), ("get_b", 40)):
        recorded(tool, days)
    printed = command("import_policy", draft(tmp_path, NARROW), "--against", "30d", "--dry-run")
    at = printed.index("on recorded calls:")
    assert printed[at + 1] == (
        "  of 3 recorded calls: 2 refused, 0 newly allowed, 0 newly asked"
    )  # fmt: skip
    assert printed[at + 2].startswith("  refused: dev@example.com → db/get_b, 2 calls, ")
    assert printed[at + 2].endswith("(role: role_restrictions.dev on db: allow_only get_a)")


def test_a_revoked_grant_shows_in_the_rehearsal(tmp_path: Path) -> None:
    recorded("set_a", 1)
    text = "grants: [{person: dev@example.com, server: db, tools: []}]\n"
    printed = command("import_policy", draft(tmp_path, text), "--against", "30d")
    assert "  of 1 recorded calls: 1 refused, 0 newly allowed, 0 newly asked" in printed


@pytest.mark.parametrize(("most", "made"), [(1, False), (2, True)])
def test_more_refused_calls_than_may_be_change_nothing(
    most: int, made: bool, tmp_path: Path
) -> None:
    recorded("get_b", 1)
    recorded("get_b", 2)
    arguments = ["import_policy", draft(tmp_path, NARROW), "--against", "30d"]
    before = everything()
    if made:
        assert command(*arguments, "--max-refused", str(most))[-1] == "1 change made"
        return
    last, lines = refused(*arguments, "--max-refused", str(most))
    assert (last, everything()) == ("1 error; nothing was changed", before)
    assert lines[0] == "of 2 recorded calls: 2 refused, 0 newly allowed, 0 newly asked"
    assert lines[-1] == (
        "policy.yaml:1: 2 past calls that were not refused would be now; --max-refused lets 1 "
        "through"
    )


def test_import_config_takes_the_same_options(tmp_path: Path) -> None:
    users = "users: [{email: dev@example.com, role: dev, allowed_mcps: []}]\nroles: {dev: {}}\n"
    (tmp_path / "users.yaml").write_text(users)
    ServerGrant.objects.all().delete()
    recorded("get_a", 1)
    arguments = ["import_config", str(tmp_path), "--against", "7d"]
    last, lines = refused(*arguments, "--max-refused", "0")
    assert last == "1 error; nothing was changed"
    assert lines[1].endswith("(reach: allowed_mcps of dev@example.com)")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-refused", "1"], "say --against as well"),
        (["--against", "0d"], "days or hours are expected"),
        (["--against", "30"], "days or hours are expected"),
        (["--against", "9999999d"], "days or hours are expected"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("import_policy", draft(tmp_path, NARROW), *options)


def test_a_subject_of_the_record_is_one_of_the_policy() -> None:
    recorded("get_a", 1)
    kept = Entry.objects.get().inputs
    assert isinstance(Inputs.from_json(kept).subject, Subject)
