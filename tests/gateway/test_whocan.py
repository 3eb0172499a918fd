import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import access
from accounts.models import Rule
from audit.record import Who
from registry.models import Server, Tool
from tests.cast import Cast

ODD_SPELLINGS = [
    *(
        "Get_A",
        "get_a ",
        "get_a\n",
        "get_a\x00",
        "get*",
        "*",
        "",
        "db/get_a",
        "get_a,get_b",
        "g\u00adet_a",
    ),
]


@pytest.fixture
def tools(cast: Cast) -> None:
    """A server `upstream` with a tool to read and one to delete; no process behind it."""
    server = Server.objects.create(name="upstream", transport=Server.Transport.STDIO)
    for name in ("get_a", "delete_a"):
        server.tools.create(name=name, qualified_name=f"upstream__{name}", fingerprint="f")


def run(*words: str) -> str:
    out = StringIO()
    call_command("whocan", *words, stdout=out)
    return out.getvalue()


def run_json(*words: str) -> dict:
    return json.loads(run(*words, "--json"))


def test_who_may_is_told_by_which_rule(tools):
    found = run_json("dev@example.com", "upstream", "get_a")
    found.pop("policy_version")
    found.pop("trace")
    assert found == {
        "person": "dev@example.com",
        "server": "upstream",
        "tool": "get_a",
        "effect": "allow",
        "layer": "role",
        "rule": "role_restrictions.developer on upstream: allow_only get_*",
        "reason": "The role developer may.",
        "fix": "",
        "bypassed": [],
        "grant_helps": False,
    }


def test_who_may_not_is_told_why_and_what_would_help(tools):
    found = run_json("guest@example.com", "upstream", "get_a")
    assert [found[key] for key in ("effect", "layer", "rule", "fix", "grant_helps")] == [
        "deny",
        "default",
        "global.default_effect: deny",
        "ask for get_a on upstream",
        True,
    ]


def test_the_trace_and_the_version_in_force_are_shown(tools):
    found = run_json("sue@example.com", "upstream", "get_a")
    assert found["policy_version"] == access.current()[1]
    assert found["trace"] == [
        {
            "layer": "standing",
            "verdict": "deny",
            "rule": "status of sue@example.com: suspended",
            "reason": "The account is suspended.",
            "fix": "ask an administrator to activate the account",
        }
    ]


def test_the_table_names_every_layer_and_a_bypass(tools):
    text = run("ada@example.com", "upstream", "delete_a")
    assert text.splitlines()[:4] == [
        "allow  ada@example.com → upstream/delete_a",
        "role: super admin",
        "A super admin may call every tool.",
        "bypassed: tool_patterns.dangerous: @dangerous (delete_*)",
    ]
    layers = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")]
    assert [layer for layer in layers if layer] == [
        *("standing", "global blocks", "admin only", "exposure", "reach", "own rule", "role"),
        *("arguments", "confirmation"),
    ]


def test_arguments_are_decided_on_when_they_are_given(tools):
    words = ("dev@example.com", "upstream", "get_a", "--arguments")
    assert run_json(*words, '{"database": "prod"}')["rule"] == "allowed_databases (database)"
    assert run_json(*words, '{"other": "prod"}')["effect"] == "allow"


def test_a_server_switched_off_is_seen(tools):
    Server.objects.update(enabled=False)
    assert run_json("ada@example.com", "upstream", "get_a")["rule"] == "upstream: enabled is false"


def test_the_kill_switch_of_a_server_is_named_with_what_undoes_it(tools):
    Server.objects.get(name="upstream").switch(on=False, who=Who(person="ada@example.com"))
    told = run_json("ada@example.com", "upstream", "get_a")
    assert (told["rule"], told["reason"], told["fix"]) == (
        "upstream: kill switch",
        "The server upstream is switched off.",
        "ask an administrator to switch upstream on again",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("deb@example.com", "upstream", "get_a"),
            "There is no person 'deb@example.com'. Did you mean dev@example.com?",
        ),
        (
            ("dev@example.com", "Upstream", "get_a"),
            "There is no server 'Upstream'. Did you mean upstream?",
        ),
        (
            ("dev@example.com", "upstream", "get_b"),
            "The server upstream has no tool 'get_b'. Did you mean get_a?",
        ),
        (("dev@example.com", "upstream", "zzz"), "The server upstream has no tool 'zzz'."),
        (
            ("dev@example.com", "upstream", "get_a", "--arguments", "[1]"),
            '--arguments: a JSON object is expected, as in {"limit": 10}',
        ),
        (
            ("dev@example.com", "upstream", "get_a", "--arguments", '{"a": 1, "a": 2}'),
            '--arguments: The key "a" stands twice in one object.',
        ),
    ],
)
def test_what_does_not_exist_is_said_with_what_is_near(tools, words, message):
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ODD_SPELLINGS)
def test_no_other_spelling_is_taken_for_a_stored_name(tools, name):
    with pytest.raises(CommandError):
        run("ada@example.com", "upstream", name)
    assert Tool.objects.filter(name="get_a").count() == 1


def test_without_a_published_policy_nothing_is_said_to_be_allowed(tools):
    access.PolicyVersion.objects.all().delete()
    assert Rule.objects.exists()
    with pytest.raises(CommandError):
        run("ada@example.com", "upstream", "get_a")
