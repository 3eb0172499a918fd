"""The access matrix says of each cell what a call would be told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import access
from accounts.models import PolicyVersion, Role, Rule, ServerGrant, User
from gateway import explain, matrix, toolbox
from gateway.errors import BadRequest, NotFound
from registry.models import Server, Tool
from tests.accounts.policies import Maker

OF_PEOPLE = matrix.Wanted(of="people")


def tool(server, name, *arguments, **values):
    properties = {one: {"type": "string"} for one in arguments}
    return Tool.objects.create(
        server=server,
        name=name,
        qualified_name=f"{server.name}__{name}",
        fingerprint="f",
        input_schema={"type": "object", "properties": properties},
        **values,
    )


@pytest.fixture
def upstream(cast):
    server = Server.objects.create(name="upstream", transport="http", url="https://x.example.com")
    tool(server, "get_a", "database")
    tool(server, "get_b", "limit")
    tool(server, "delete_a")
    tool(server, "get_gone", state="gone")
    return server


def table(wanted=None):
    found = matrix.reckon(wanted or matrix.Wanted())
    names = [one.name for one in found.columns]
    return {
        row.tool: dict(zip(names, (str(cell.verdict) for cell in row.cells), strict=True))
        for row in found.rows
    }


def test_each_role_has_its_verdict_on_each_tool(upstream):
    assert table() == {
        "delete_a": {"admin": "allow", "developer": "deny", "viewer": "deny"},
        "get_a": {"admin": "depends on arguments", "developer": "depends on arguments",
                  "viewer": "deny"},
        "get_b": {"admin": "allow", "developer": "allow", "viewer": "deny"},
    }  # fmt: skip


def test_it_depends_on_arguments_only_for_whom_a_rule_binds(upstream):
    """The database rule binds no one with all databases; nor a tool that takes none."""
    Role.objects.filter(name="admin").update(can_access_all_databases=True)
    access.publish("tests")
    assert table()["get_a"]["admin"] == "allow"

    condition = {"argument": "limit", "max": 10, "effect": "ask"}
    Rule.objects.create(
        kind=Rule.Kind.ARGUMENT, name="few", patterns=["*/get_b"], condition=condition
    )
    access.publish("tests")
    found = matrix.reckon(matrix.Wanted(who=("developer",), search="get_b"))
    assert [cell for row in found.rows for cell in row.cells] == [
        matrix.Cell(
            matrix.Verdict.DEPENDS,
            "arguments",
            "argument_rules.1 (few) (allowed by"
            " role_restrictions.developer on upstream: allow_only get_*)",
        )
    ]


def test_what_must_be_confirmed_asks(upstream):
    Rule.objects.create(kind=Rule.Kind.CONFIRM, patterns=["get_b"])
    access.publish("tests")
    assert table()["get_b"] == {"admin": "ask", "developer": "ask", "viewer": "deny"}


def test_people_stand_with_their_own_rules_and_grants(upstream, cast):
    ServerGrant.objects.create(user=cast.guest, server="upstream", tools=["get_b"])
    ended = timezone.now() - timedelta(seconds=1)
    ServerGrant.objects.create(
        user=cast.guest, server="upstream", tools=["delete_a"], expires_at=ended
    )
    assert table(OF_PEOPLE)["get_b"] == {
        "ada@example.com": "allow",
        "dev@example.com": "allow",
        "guest@example.com": "allow",
        "sue@example.com": "deny",
    }
    assert table(OF_PEOPLE)["delete_a"]["guest@example.com"] == "deny"


def test_a_role_that_is_switched_off_may_nothing(upstream):
    Role.objects.filter(name="admin").update(switched_off_at=timezone.now())
    assert {row["admin"] for row in table().values()} == {"deny"}


@pytest.mark.parametrize("seed", range(6))
def test_each_cell_is_what_listing_and_explaining_say(upstream, cast, seed):
    """On random policies, for each person of the cast."""
    policy = Maker(seed).document()
    policy["roles"] = policy["roles"] | {"admin": {}, "developer": {}, "viewer": {}}
    policy["servers"]["upstream"] = {"role_restrictions": {"developer": {"deny": ["delete_*"]}}}
    digest = access.compile_policy(policy).digest
    PolicyVersion.objects.create(digest=digest, document=policy)
    for user in (cast.ada, cast.dev, cast.guest, cast.sue):
        row = table(matrix.Wanted(of="people", who=(user.email,)))
        offered = {spec.tool for spec in toolbox.open_for(cast.asker(user)).offered}
        for one in Tool.objects.select_related("server").exclude(state="gone"):
            verdict = row[one.name][user.email]
            subject = access.subject_of(User.objects.get(pk=user.pk))
            told = explain.explain(subject, one).decision.effect
            assert (verdict != "deny") == (one.name in offered) == (told != "deny")
            assert (verdict == "ask") == (told == "ask")


# --- Which rows and columns -----------------------------------------------------------------------
def test_rows_are_found_by_search_server_and_difference(upstream, cast):
    tool(Server.objects.create(name="other", transport="http", url="https://y.example"), "get_b")
    assert list(table(matrix.Wanted(search="up", server="upstream"))) == [
        "delete_a", "get_a", "get_b",
    ]  # fmt: skip
    assert list(table(matrix.Wanted(search="upstream/get_a"))) == ["get_a"]
    same = matrix.Wanted(who=("developer", "admin"), differences=True, server="upstream")
    assert list(table(same)) == ["delete_a"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"of": "teams"}, "of"),
        ({"what": "x"}, "what"),
        ({"version": "0"}, "version"),
        ({"version": "first"}, "version"),
        ({"against": "9" * 18}, "against"),
        ({"who": "nobody"}, "role"),
        ({"of": "people", "who": "nobody@example.com"}, "person"),
        ({"who": ",".join(f"r{n}" for n in range(41))}, "who"),
    ],
)
def test_what_is_not_there_is_told_with_its_field(upstream, parameters, field):
    with pytest.raises((BadRequest, NotFound)) as caught:
        matrix.reckon(matrix.Wanted.read(parameters, [parameters.get("who", "")]))
    assert caught.value.field == field


# --- Two versions ---------------------------------------------------------------------------------
def test_two_versions_show_what_changes_for_whom(upstream):
    before = PolicyVersion.objects.get()
    Rule.objects.filter(kind=Rule.Kind.ROLE).update(patterns=["get_b"])
    Rule.objects.create(
        kind=Rule.Kind.ROLE, server="upstream", role="viewer", mode="allow_only", patterns=["get_b"]
    )
    access.publish("tests")

    found = matrix.reckon(matrix.Wanted(against=str(before.pk), differences=True))
    changes = {
        (row.tool, column.name): (str(old.verdict), str(new.verdict))
        for row in found.rows
        for column, old, new in zip(found.columns, row.before, row.cells, strict=True)
        if old.verdict != new.verdict
    }
    assert changes == {
        ("get_a", "developer"): ("depends on arguments", "deny"),
        ("get_b", "viewer"): ("deny", "allow"),
    }
    assert (found.version, found.against) == (access.current()[1], before.digest)
    reverse = matrix.Wanted(version=str(before.pk), against=str(PolicyVersion.objects.last().pk))
    assert matrix.reckon(reverse).version == before.digest


def test_who_gets_past_a_block_that_holds_for_others_is_said_to_bypass_it(upstream):
    rule = "tool_patterns.dangerous: @dangerous (delete_*)"
    assert _bypassed("delete_a") == {"admin": rule, "developer": "", "viewer": ""}
    assert _bypassed("get_b") == {"admin": "", "developer": "", "viewer": ""}

    Rule.objects.create(kind=Rule.Kind.CONFIRM, patterns=["delete_a"])
    access.publish("tests")
    assert (table()["delete_a"]["admin"], _bypassed("delete_a")["admin"]) == ("ask", rule)
    lines = list(matrix.reckon(matrix.Wanted(who=("admin",), search="delete_a")).as_csv())
    assert lines[1].endswith(f" (bypasses {rule})\n")
    told = matrix.reckon(matrix.Wanted(who=("admin",))).as_json()
    assert [one["bypassed"] for one in told["cells"] if one["bypassed"]] == [rule]


def test_who_is_refused_after_a_bypass_has_bypassed_nothing(upstream):
    Rule.objects.create(
        kind=Rule.Kind.EXPOSURE, server="upstream", mode="allow_only", patterns=["get_*"]
    )
    access.publish("tests")
    assert table()["delete_a"]["admin"] == "deny"
    assert _bypassed("delete_a")["admin"] == ""


def _bypassed(name):
    found = matrix.reckon(matrix.Wanted(search=name))
    names = [one.name for one in found.columns]
    [row] = found.rows
    return dict(zip(names, (cell.bypassed for cell in row.cells), strict=True))


# --- As it is handed out --------------------------------------------------------------------------
def test_in_json_each_distinct_cell_stands_once(upstream):
    told = matrix.reckon(matrix.Wanted()).as_json()
    [server] = told["servers"]
    assert server["counts"][0] == {"allow": 2, "depends on arguments": 1}
    for row in server["tools"]:
        assert all(told["cells"][place]["verdict"] for place in row["cells"])
    assert len(told["cells"]) == len({tuple(one.values()) for one in told["cells"]})


def test_in_a_spreadsheet_nothing_is_a_formula(upstream):
    tool(upstream, "=cmd|' /C calc'!A0")
    lines = list(matrix.reckon(matrix.Wanted(who=("developer",))).as_csv())
    assert lines[0] == "server,tool,developer\n"
    assert lines[1].startswith("upstream,'=cmd|' /C calc'!A0,")
    assert lines[2].startswith("upstream,delete_a,deny: tool_patterns.dangerous")
