"""What explains a decision says what listing and calling do, and tells nobody about others."""

import random

import pytest

from accounts.models import ApiKey, Role, ServerGrant, Team
from accounts.policy import Effect
from gateway import calls, explain, toolbox
from gateway.errors import NeedsApproval, Refused
from gateway.models import Door
from registry.models import Tool

PATH = "/api/policy/explain"
GET_TIME = {"server": "upstream", "tool": "get_time"}
WRITE_NOTE = {"server": "upstream", "tool": "write_note"}
ARGUMENTS = {
    "add": '{"a": 1, "b": 2}',
    "echo": '{"text": "x"}',
    "slow": '{"seconds": 0}',
    "write_note": '{"text": "x"}',
}


@pytest.fixture
def auditor(cast):
    """Guest's role may read the record."""
    Role.objects.filter(name="viewer").update(can_view_audit_logs=True)
    return cast.guest


def people_of(cast, seed):
    """The cast, some of them with own rules, grants and teams by chance."""
    chance = random.Random(seed)
    for user in (cast.dev, cast.guest):
        mode = chance.choice(["inherit", "custom", "all", "none"])
        entry = {"mode": mode, "tools": ["get_*", "write_*"], "deny": chance.choice([[], ["echo"]])}
        user.allowed_mcps = chance.choice([None, [], "*", {"upstream": entry}])
        user.role = chance.choice([user.role, None])
        user.save()
        if chance.random() < 0.5:
            ServerGrant.objects.create(user=user, server="upstream", tools=["write_note", "add"])
    team = Team.objects.create(key="t", default_role=Role.objects.get(name="developer"))
    team.members.add(cast.guest)
    return [cast.ada, cast.dev, cast.guest, cast.sue]


def effect_of_calling(asker, tool):
    arguments = explain.read_arguments(ARGUMENTS.get(tool.name, "{}"))
    wish = calls.Wish(
        asker=asker, door=Door.REST, server="upstream", tool=tool.name, arguments=arguments
    )
    try:
        calls.call(wish)
    except NeedsApproval:
        return Effect.ASK
    except Refused:
        return Effect.DENY
    return Effect.ALLOW


@pytest.mark.parametrize("seed", range(4))
def test_listing_explaining_and_calling_agree(upstream, cast, seed):
    agreed = set()
    for user in people_of(cast, seed):
        asker = cast.asker(user)
        offered = {spec.tool for spec in toolbox.open_for(asker).offered}
        for tool in Tool.objects.select_related("server").exclude(name="big"):
            told = explain.explain(asker.subject(), tool).decision.effect
            called = effect_of_calling(asker, tool)
            assert (tool.name in offered, called) == (told != Effect.DENY, told), (user, tool)
            agreed.add(told)
    assert agreed == {Effect.ALLOW, Effect.DENY}


def test_everybody_is_told_why_about_themselves(upstream, cast, client_of):
    client = client_of(cast.dev)

    assert client.get(PATH, GET_TIME).json()["effect"] == "allow"
    refusal = client.get(PATH, WRITE_NOTE).json()
    assert [refusal[name] for name in ("person", "effect", "layer", "fix", "grant_helps")] == [
        "dev@example.com",
        "deny",
        "role",
        "ask for write_note on upstream",
        True,
    ]
    assert refusal["trace"][-1]["rule"] == refusal["rule"]


def test_arguments_are_decided_on(upstream, cast, client_of):
    client = client_of(cast.dev)
    answers = [
        client.get(PATH, GET_TIME | {"arguments": text}).json()["effect"]
        for text in ('{"database": "prod"}', "{}")
    ]
    assert answers == ["deny", "allow"]


def test_a_key_is_told_about_what_it_reaches_itself(upstream, cast, client_of):
    told = client_of(cast.ada, servers=["other"]).get(PATH, GET_TIME).json()
    assert (told["effect"], told["rule"]) == ("deny", "API key: only other")


@pytest.mark.parametrize("other", ["ada@example.com", "nobody@example.com"])
def test_about_others_only_with_the_right(upstream, cast, client_of, other):
    """And without it, whether there is such a person is not told either."""
    wanted = GET_TIME | {"person": other}
    answers = [
        client_of(cast.dev, scopes=scopes).get(PATH, wanted)
        for scopes in (["read"], ["read", "admin"])
    ]
    assert [(one.status_code, one.json()["error"]["code"]) for one in answers] == [
        (403, "scope"),
        (403, "not_allowed"),
    ]


def test_whoever_reads_the_record_is_told_about_others_and_roles(upstream, auditor, client_of):
    client = client_of(auditor, scopes=["read", "admin"])

    told = client.get(PATH, GET_TIME | {"person": "Dev@example.com"}).json()
    assert (told["person"], told["effect"]) == ("dev@example.com", "allow")
    told = client.get(PATH, WRITE_NOTE | {"role": "developer"}).json()
    assert (told["role"], told["effect"]) == ("developer", "deny")
    assert "person" not in told


def test_a_session_is_enough_without_a_key(upstream, auditor, client):
    client.force_login(auditor)
    assert client.get(PATH, GET_TIME | {"role": "admin"}).json()["effect"] == "allow"


@pytest.mark.parametrize(
    ("wanted", "status", "field"),
    [
        ({"server": "upstream"}, 400, "tool"),
        ({"tool": "echo"}, 400, "server"),
        (GET_TIME | {"arguments": "[1]"}, 400, "arguments"),
        (GET_TIME | {"arguments": '{"a": 1, "a": 2}'}, 400, "arguments"),
        (GET_TIME | {"user": "ada@example.com"}, 400, "user"),
        (GET_TIME | {"role": "admin", "person": "dev@example.com"}, 400, "role"),
        (GET_TIME | {"role": "nothing"}, 404, "role"),
        (GET_TIME | {"person": "nobody@example.com"}, 404, "person"),
        ({"server": "upstream", "tool": "Get_time"}, 404, "tool"),
        ({"server": "up\x00", "tool": "get_time"}, 404, "server"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(upstream, auditor, client_of, wanted, status, field):
    answer = client_of(auditor, scopes=["tools", "admin"]).get(PATH, wanted)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("tools", 200), ("query", 403)])
def test_a_key_needs_to_be_for_reading_or_tools(upstream, cast, client_of, scope, status):
    assert ApiKey.Scope(scope)
    assert client_of(cast.dev, scopes=[scope]).get(PATH, GET_TIME).status_code == status
