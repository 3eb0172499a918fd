"""What is suggested of a role's patterns: never more than it has, never less than was used."""

import pytest

from accounts.effects import Snapshot
from accounts.least_privilege import suggest
from accounts.policy import Subject, Target, compile_policy
from accounts.suggestions import House, Use, draft_of
from tests.accounts.policies import NOW

TOOLS = ("get_a", "get_b", "set_a", "set_b")


def house(modes, used):
    document = {"roles": {"dev": {}}, "servers": {"db": {"role_restrictions": {"dev": modes}}}}
    targets = {("db", tool): Target("db", tool) for tool in TOOLS}
    people = {"dev@x": Subject("dev@x", role="dev", allowed_mcps="*")}
    uses = [Use("dev@x", "dev", (), "db", tool, calls=1, last=NOW) for tool in used]
    snapshot = Snapshot(document, compile_policy(document), people, targets)
    return House(snapshot, uses, since=NOW, now=NOW, grants_since={})


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
def test_wildcards_become_the_tools_used(modes, used, suggested):
    looked_at = house(modes, used)
    draft = draft_of(suggest(looked_at), looked_at.snapshot)
    expected = {"mcps": [{"name": "db", "role_restrictions": {"dev": suggested}}]}
    assert draft == (expected if suggested else {})
