"""Five doors, one answer: what is refused leaves through none of them (T-01, T-02, T-03)."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import access
from accounts.models import ApiKey, Role, Rule, User
from audit.models import Entry
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from registry.models import Server, Tool
from tests.accounts.reference import evaluate
from tests.fakes import messages_api
from tests.mcp_client import ask, post
from tests.slackapp.signing import signed, slash
from tests.ways.asking import asked, results_read

pytestmark = pytest.mark.django_db(transaction=True)

ARGUMENTS = {
    "echo": {"text": "x"},
    "add": {"a": 5, "b": 1},
    "get_time": {},
    "write_note": {"text": "x"},
    "delete_everything": {},
}
# The policy in the words of the reference evaluator; `lay_down` writes the same as rows.
DOCUMENT = {
    "default_effect": "deny",
    "blocked_tools": ["delete_*"],
    "admin_only_tools": ["get_time"],
    "groups": {},
    "servers": {
        "upstream": {
            "role_restrictions": {
                "developer": {"allow_only": ["echo", "add", "get_*", "delete_*"]},
                "viewer": {"deny": ["write_*", "echo"]},
            }
        }
    },
    "roles": {"admin": {"can_bypass_tool_restrictions": True}},
    "teams": {},
    "default_user": {"role": None, "allowed_mcps": None},
    "argument_rules": [{"tools": ["upstream/add"], "argument": "a", "max": 4}],
    "require_confirmation": {"enabled": True, "actions": []},
}
ROLES = ("admin", "developer", "viewer")


def lay_down():
    Rule.objects.all().delete()
    kind = Rule.Kind
    Rule.objects.create(kind=kind.BLOCKED, patterns=["delete_*"])
    Rule.objects.create(kind=kind.ADMIN_ONLY, patterns=["get_time"])
    for role, said in DOCUMENT["servers"]["upstream"]["role_restrictions"].items():
        [(mode, patterns)] = said.items()
        Rule.objects.create(
            kind=kind.ROLE, server="upstream", role=role, mode=mode, patterns=patterns
        )
    [rule] = DOCUMENT["argument_rules"]
    condition = {"argument": rule["argument"], "max": rule["max"]}
    Rule.objects.create(kind=kind.ARGUMENT, patterns=rule["tools"], condition=condition)
    access.publish("tests")


def person(role):
    """Somebody of that role and nothing beside it; known to Slack."""
    return User.objects.create_user(
        f"{role}@doors.example",
        role=Role.objects.get(name=role),
        allowed_mcps="*",
        slack_team_id="T0TEAM",
        slack_user_id=f"U0{role.upper()}",
    )


def expected(role):
    """What the reference evaluator lets this role call, with its decision for each tool."""
    who = {
        "role": role, "teams": (), "super_admin": False, "status": "active", "allowed_mcps": "*",
        "grants": [], "attributes": {}, "only_servers": None,
    }  # fmt: skip
    target = {"server": "upstream", "enabled": True, "state": "offered", "destructive": True}
    return {
        tool: evaluate(DOCUMENT, who, target | {"tool": tool}, arguments, timezone.now())
        for tool, arguments in ARGUMENTS.items()
    }


def wants_everything(body):
    """A model that asks for all five tools, offered or not, and is content with what it gets."""
    if len(body["messages"]) == 1:
        calls = [(f"upstream__{tool}", arguments) for tool, arguments in ARGUMENTS.items()]
        return messages_api.uses(*calls)
    return messages_api.says("done")


# --- The doors: each lets one person try all five tools -------------------------------------------
def by_rest(user, *, client_of, **_):
    client = client_of(user)
    for tool, arguments in ARGUMENTS.items():
        body = {"server": "upstream", "tool": tool, "arguments": arguments}
        client.post("/api/mcp/tools/call", body, format="json")


def by_mcp(user, *, mcp_url, **_):
    key = ApiKey.issue(user, "test")[1]
    for tool, arguments in ARGUMENTS.items():
        ask(mcp_url, key, "tools/call", {"name": f"upstream__{tool}", "arguments": arguments})


def by_page(user, **_):
    browser = APIClient()
    browser.force_login(user)
    browser.post("/api/query", {"question": "everything", "wait": True}, format="json")


def by_command(user, **_):
    call_command("ask", "everything", "--as", user.email, verbosity=0)


def by_slack(user, *, slack, client, **_):
    client.post(**signed(slash("everything", user_id=user.slack_user_id)))
    slack.wait_for(lambda: Question.objects.exclude(finished_at=None).exists(), timeout=10)


DOORS = {"rest": by_rest, "mcp": by_mcp, "web": by_page, "cli": by_command, "slack": by_slack}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_decides_every_tool_as_the_reference_does(
    cast, upstream, scripted_api, slack, client, client_of, mcp_url, door, role
):
    lay_down()
    api = scripted_api(wants_everything)
    says_reference = expected(role)
    allowed = sorted(tool for tool, (effect, _) in says_reference.items() if effect == "allow")

    DOORS[door](person(role), client=client, client_of=client_of, slack=slack, mcp_url=mcp_url)

    assert sorted(tool for tool, _ in upstream.calls) == allowed
    assert bool(api.requests) == (door not in ("rest", "mcp")), (
        "the model was not asked through this door"
    )
    entries = Entry.objects.filter(kind__in=["call.refused", "call.calling"])
    decided = {entry.tool: (entry.effect, entry.layer, entry.door) for entry in entries}
    assert decided == {tool: (*said, door) for tool, said in says_reference.items()}


def test_the_matrix_has_each_answer_and_no_two_roles_alike():
    answers = [expected(role) for role in ROLES]
    allowed = [
        {tool for tool, (effect, _) in said.items() if effect == "allow"} for said in answers
    ]
    layers = {layer for said in answers for effect, layer in said.values() if effect == "deny"}

    assert len({frozenset(tools) for tools in allowed}) == 3
    assert layers == {"global blocks", "admin only", "role", "arguments"}


# --- T-03: spellings ------------------------------------------------------------------------------
REPOSITORY = Path(__file__).parents[2]
FILES = (
    REPOSITORY / "tests/data/policy_bypass.jsonl",
    Path("/work/shared/data/attacks/policy_bypass.jsonl"),
)


def spellings():
    """The rows that write a name in some other way."""
    for file in FILES:
        for line in file.read_text("utf-8").splitlines() if file.exists() else ():
            row = json.loads(line)
            if row["kind"] in ("spelling", "homoglyph", "type") and row["expect"] != "allow":
                yield row


def everything_registered(upstream):
    """The rows' servers and tools, all of them at the real server; Ada may call any."""
    rows = list(spellings())
    servers = {server.name.lower(): server for server in Server.objects.all()}
    for name, tool in sorted({tuple(pair) for row in rows for pair in row["registered"]}):
        if name.lower() not in servers:
            made = Server.objects.create(name=name, transport="http", url=upstream.url)
            servers[name.lower()] = made
        server = servers[name.lower()]
        if server.name == name:
            server.tools.create(name=tool, qualified_name=f"{name}--{tool}", fingerprint="f")
    return rows, set(Tool.objects.values_list("server__name", "name"))


def test_no_other_spelling_of_a_name_reaches_a_tool_over_rest(cast, upstream, client_of):
    rows, known = everything_registered(upstream)
    client = client_of(cast.ada)
    tried = 0
    for row in rows:
        call = row["call"]
        server, _, tool = call.partition("__") if isinstance(call, str) else ("upstream", "", call)
        if isinstance(tool, str) and (server, tool) in known:
            continue
        body = {"server": server, "tool": tool, "arguments": {}}
        answer = client.post("/api/mcp/tools/call", body, format="json")
        assert answer.status_code in (400, 404), row["id"]
        tried += 1

    assert (upstream.calls, tried > 5) == ([], True)
    assert not Entry.objects.filter(kind="call.calling").exists()


def test_no_other_spelling_of_a_name_reaches_a_tool_over_mcp(cast, upstream, mcp_url):
    rows, known = everything_registered(upstream)
    names = [row["call"] for row in rows] + ["Upstream__echo", "upstream__echo ", "echo", ""]
    names = [name for name in names if not isinstance(name, str) or not is_known(name, known)]
    key = cast.key(cast.ada)
    for name in names:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}}
        answer = post(mcp_url, body, key=key)
        assert '"result"' not in answer.text, name

    assert (upstream.calls, len(names) > 5) == ([], True)
    assert not Entry.objects.filter(kind="call.calling").exists()


def is_known(name, known):
    server, _, tool = name.partition("__")
    return (server, tool) in known


def test_no_other_spelling_of_a_name_reaches_a_tool_by_the_model(cast, upstream):
    names = [row["call"] for row in spellings() if isinstance(row["call"], str)]
    names += ["Upstream__echo", "upstream__echo ", "upstream__Echo", "upstream__e\u0441ho", "echo"]
    names += [
        "upstream__echo\n",
        "upstream__echo\x00",
        "upstream__echo\ud800",
        "upstream/echo",
        "upstream__%",
        "",
    ]
    model = ScriptedModel([uses(*[(name, {"text": "x"}) for name in names]), says("no")])

    asked(cast, cast.ada, "try them all", model)

    assert set(results_read(model)) == {("There is no such tool.", True)}
    assert (len(results_read(model)), upstream.calls) == (len(names), [])
    assert set(Entry.objects.filter(kind="call.refused").values_list("error_code")) == {
        ("unknown_tool",)
    }
