"""What is suggested of patterns, reach and roles: never more than there was, nor less than used."""

from datetime import timedelta

import pytest

from accounts.backtest import Recorded
from accounts.effects import Snapshot
from accounts.errors import NotFound
from accounts.least_privilege.model import House, Use
from accounts.least_privilege.proof import suggest
from accounts.policy import Grant, Inputs, Subject, Target, compile_policy
from accounts.policy.rules import ADMIN
from tests.accounts.policies import NOW

TOOLS = ("get_a", "get_b", "set_a", "set_b")
SERVERS = ("db", "crm")
OLD = NOW - timedelta(days=100)
OPEN = {"role_restrictions": {"dev": {"allow_all": True}}}
FLAGS = ("can_bypass_tool_restrictions", "can_execute_dangerous_tools", "can_access_all_databases")


def found(document, used, *, who=None, then=None, reader=(), **more):
    """What is suggested to a house of one developer, by what they used as they were then.

    `reader` is what somebody else used, whose role is `small`.
    """
    me = {"role": "dev", "allowed_mcps": "*"} | (who or {})
    document = {"roles": {"dev": {}}, "servers": {}} | document
    people = {"dev@x": Subject("dev@x", **me)}
    targets = {(one, tool): Target(one, tool) for one in SERVERS for tool in TOOLS}
    snapshot = Snapshot(document, compile_policy(document), people, targets)
    callers = Subject("dev@x", **(me | (then or {}))), Subject("sam@x", "small", allowed_mcps="*")
    made = [(caller, place) for caller, places in zip(callers, (used, reader), strict=True)
            for place in (one.split("/") for one in places)]  # fmt: skip
    uses = [Use(who.person, who.role, (), *place, calls=1, last=NOW) for who, place in made]
    calls = [
        Recorded(number, NOW, "allow", Inputs(caller, Target(*place), NOW).as_json(), {})
        for number, (caller, place) in enumerate(made)
    ]
    known = {"grants_since": {("dev@x", one): OLD for one in SERVERS}, "joined": {"dev@x": OLD}}
    known |= {"powers": {role: powers(said) for role, said in document["roles"].items()}}
    house = House(snapshot, uses, since=NOW - timedelta(days=90), now=NOW, **(known | more))
    return suggest(house, lambda: calls)


def powers(said):
    return frozenset(flag for flag in FLAGS if said.get(flag))


def kinds(suggested):
    return [str(one.kind) for one in suggested.suggestions]


# --- Patterns -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("modes", "used", "suggested"),
    [
        ({"allow_only": ["get_*"]}, ["get_a"], {"allow_only": ["get_a"]}),
        ({"allow_only": ["set_a", "get_*"]}, ["get_a"], {"allow_only": ["set_a", "get_a"]}),
        (
            {"allow_all": True, "deny": ["set_b"]},
            ["set_a"],
            {"deny": ["set_b"], "allow_only": ["set_a"]},
        ),
        (
            {"allow_all": True, "allow_only": ["get_*"]},
            ["get_a", "set_a"],
            {"allow_only": ["get_a"]},
        ),
        ({"allow_only": ["get_*"]}, ["get_a", "get_b"], None),
        ({"allow_only": ["get_*"]}, ["set_a"], None),
        ({"allow_only": ["get_a", "get_b"]}, ["get_a"], None),
        ({"allow_only": ["*"]}, [], None),
        ({"deny_all": True}, ["get_a"], None),
    ],
)
def test_wildcards_of_a_role_on_a_server_become_the_tools_used(modes, used, suggested):
    document = {"servers": {"db": {"role_restrictions": {"dev": modes}}}}
    given = found(document, [f"db/{tool}" for tool in used], who={"allowed_mcps": ["db"]})
    expected = {"mcps": [{"name": "db", "role_restrictions": {"dev": suggested}}]}
    assert given.draft == (expected if suggested else {})


@pytest.mark.parametrize(
    ("patterns", "used", "suggested"),
    [
        (["*"], ["get_a"], ["get_a"]),
        (["set_b", "?et_a"], ["get_a"], ["set_b", "get_a"]),
        (["@reads"], ["get_b"], ["get_b"]),
        (["db/get_*"], ["get_b"], ["get_b"]),
        (["get_*"], ["get_a", "get_b"], None),
        (["get_a", "set_a"], ["get_a"], None),
    ],
)
def test_wildcards_of_allowed_mcp_tools_and_of_grants_become_the_tools_used(
    patterns, used, suggested
):
    groups, used = {"reads": ["get_*"]}, [f"db/{tool}" for tool in used]
    roles = {"dev": {"allowed_mcp_tools": {"db": patterns, "crm": ["get_a"]}}}
    of_role = found({"groups": groups, "roles": roles}, used, who={"allowed_mcps": ["db"]})
    who = {"allowed_mcps": [], "grants": (Grant("db", tuple(patterns)),)}
    of_grant = found({"groups": groups}, used, who=who)

    own = {"allowed_mcp_tools": {"db": suggested, "crm": ["get_a"]}}
    assert of_role.draft == ({"roles": {"dev": own}} if suggested else {})
    kept = {"person": "dev@x", "server": "db", "tools": suggested}
    assert of_grant.draft == ({"grants": [kept]} if suggested else {})


def test_grants_that_end_at_different_times_stay_as_they_are():
    grants = (Grant("db", ("get_*",)), Grant("db", ("set_*",), NOW + timedelta(days=1)))
    assert kinds(found({}, ["db/get_a"], who={"allowed_mcps": [], "grants": grants})) == []


# --- Reach ----------------------------------------------------------------------------------------
BOTH = {"servers": {one: {"role_restrictions": {"dev": {"deny": []}}} for one in SERVERS}}
OWN = {"db": {"mode": "inherit"}, "crm": {"mode": "inherit"}}


@pytest.mark.parametrize(
    ("reach", "suggested"),
    [
        ("*", ["db"]),
        (["crm", "db"], ["db"]),
        (OWN, {"db": {"mode": "inherit"}}),
        (OWN | {"crm": {"mode": "none"}}, None),
        (OWN | {"crm": {"mode": "inherit", "deny": ["set_*"]}}, None),
        (["db"], None),
    ],
)
def test_a_reach_becomes_the_servers_used_and_what_takes_away_stays(reach, suggested):
    own = found(BOTH, ["db/get_a"], who={"allowed_mcps": reach})
    everybodys = {"role": "dev", "allowed_mcps": reach}
    default = found(
        BOTH | {"default_user": everybodys}, ["db/get_a"], who={"role": None, "allowed_mcps": None}
    )
    assert own.draft == ({"people": {"dev@x": {"allowed_mcps": suggested}}} if suggested else {})
    less = everybodys | {"allowed_mcps": suggested}
    assert default.draft == ({"default_user": less} if suggested else {})


@pytest.mark.parametrize(
    ("who", "more"),
    [
        ({}, {"whole": False}),
        ({}, {"joined": {"dev@x": NOW - timedelta(days=1)}}),
        ({"super_admin": True}, {}),
        ({"role": ADMIN}, {}),
    ],
    ids=["the record is younger", "so is the person", "a super admin", "an admin"],
)
def test_no_reach_and_no_role_is_too_large_without_evidence_or_where_it_bounds_nobody(who, more):
    allowed = {"role_restrictions": {ADMIN: {"deny": []}, "dev": {"deny": []}}}
    document = {"roles": {"dev": {}, ADMIN: {}}, "servers": {"db": allowed}}
    assert kinds(found(document, ["db/get_a"], who=who, **more)) == []


# --- Roles ----------------------------------------------------------------------------------------
def three(**larger):
    """Developers may do all on both servers, readers get_* on one, writers get_a and set_a."""
    on_db = {
        "dev": {"deny": []},
        "reader": {"allow_only": ["get_a", "get_b"]},
        "writer": {"allow_only": ["get_a", "set_a"]},
        "small": {"allow_only": ["get_a"]},
    }
    return {
        "roles": {"dev": larger, "reader": {}, "writer": {}, "small": {}},
        "servers": {
            "db": {"role_restrictions": on_db},
            "crm": {"role_restrictions": {"dev": {"deny": []}}},
        },
    }


@pytest.mark.parametrize(
    ("used", "role"),
    [
        (["db/get_a"], "small"),
        (["db/get_b"], "reader"),
        (["db/get_a", "db/set_a"], "writer"),
        (["db/get_b", "db/set_a"], None),
        (["crm/get_a"], None),
    ],
)
def test_the_smallest_role_that_gives_what_was_used_is_named(used, role):
    suggested = found(three(), used, who={"allowed_mcps": ["db", "crm"]})
    moved = [one for one in suggested.suggestions if one.kind == "smaller_role"]
    assert [(one.who, one.value) for one in moved] == ([("person dev@x", role)] if role else [])
    if role:
        assert suggested.draft["people"]["dev@x"]["role"] == role
        assert moved[0].evidence() == (
            f"{len(used)} call{'s' * (len(used) > 1)} since 2026-01-31, last 2026-05-01;"
            f" {len(used)} of 8 tools used: {', '.join(sorted(used))}"
        )


def test_powers_over_tools_may_be_lost_and_powers_over_people_never():
    used, reach = ["db/get_a"], {"allowed_mcps": ["db"]}
    over_tools = {"powers": {"dev": powers(dict.fromkeys(FLAGS, True)), "small": frozenset()}}
    over_people = {"powers": {"dev": frozenset({"can_approve_calls"}), "small": frozenset()}}
    more = {"powers": {"dev": frozenset(), "small": frozenset({FLAGS[0]})}}
    off = {"powers": {"dev": frozenset()}}
    large = three(**dict.fromkeys(FLAGS, True))
    assert kinds(found(large, used, who=reach, **over_tools)) == ["smaller_role"]
    assert [
        kinds(found(three(), used, who=reach, **known)) for known in (over_people, more, off)
    ] == [[], [], []]


def test_a_role_that_would_itself_be_narrowed_too_far_is_not_named():
    """Readers' wildcard comes to be what readers used, which is not what this developer did."""
    document = three()
    document["servers"]["db"]["role_restrictions"]["small"] = {"allow_only": ["get_*"]}
    document["roles"] = {"dev": {}, "small": {}}
    reach = {"allowed_mcps": ["db"]}
    assert kinds(found(document, ["db/get_a"], who=reach)) == ["smaller_role"]

    suggested = found(document, ["db/get_a"], who=reach, reader=["db/get_b"])
    assert [(one.who, one.value) for one in suggested.suggestions] == [
        ("role small", {"allow_only": ["get_b"]})
    ]


def test_no_role_is_named_while_a_call_cannot_be_decided_again():
    document = three() | {"argument_rules": [{"tools": ["*"], "argument": "secret", "max": 5}]}
    suggested = found(document, ["db/get_a"], who={"allowed_mcps": ["db"]})
    assert kinds(suggested) == ["smaller_role"]
    house, hidden = suggested.house, Inputs(
        suggested.house.snapshot.people["dev@x"], Target("db", "get_a"), NOW
    ).as_json() | {"hidden": ["secret"]}  # fmt: skip
    calls = [Recorded(1, NOW, "allow", hidden, {"secret": "[redacted]"})]
    unsure = suggest(house, lambda: calls)
    assert (kinds(unsure), unsure.unknown) == ([], 1)
    assert unsure.remark().startswith("1 of the calls cannot be decided again exactly; so nobody")


# --- The proof ------------------------------------------------------------------------------------
def test_what_the_record_refutes_is_not_suggested():
    """Then everything on db was theirs; today the role decides, which a draft must not undo."""
    document = {"servers": {"db": {"role_restrictions": {"dev": {"allow_only": ["get_*"]}}}}}
    then = {"allowed_mcps": {"db": "*"}}
    assert kinds(found(document, ["db/get_a"])) == ["wildcard", "reach"]
    assert kinds(found(document, ["db/get_a", "db/set_a"], then=then)) == ["wildcard"]


def test_a_draft_holds_what_is_chosen_and_an_id_is_of_one_change():
    suggested = found(BOTH | {"servers": {"db": OPEN}}, ["db/get_a"])
    first, second = suggested.suggestions
    again = found(BOTH | {"servers": {"db": OPEN}}, ["db/get_a", "db/get_a"]).suggestions
    assert [one.id for one in again] == [first.id, second.id]
    assert suggested.draft_of([first.id]) == (
        "mcps:\n  - name: db\n    role_restrictions:\n      dev:\n        allow_only:\n"
        "          - get_a\n"
    )
    assert suggested.draft_of([]).startswith(suggested.draft_of([first.id]))
    with pytest.raises(NotFound, match="'nonsense' is not suggested, or no longer"):
        suggested.draft_of([first.id, "nonsense"])
