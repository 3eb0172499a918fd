"""Ways around a policy, as rows: our own here, and the shared ones where that folder exists.

Two things stand in the way: the exact look-up of a name, and the policy. Rows of the kinds
`state` and `collision` belong to the registry and the gateway: they say what may be registered.
"""

import json
from pathlib import Path

import pytest

from accounts.policy import PolicyError, Subject, Target, compile_policy, decide
from tests.accounts.asking import NOW

REPOSITORY = Path(__file__).parents[2]
FILES = (
    REPOSITORY / "tests/data/policy_bypass.jsonl",
    REPOSITORY.parent / "shared/data/attacks/policy_bypass.jsonl",
)
OURS = {"spelling", "homoglyph", "type", "glob", "precedence", "arguments"}
EXPECTED = {
    "allow": {"allow"},
    "deny": {"deny", "invalid"},
    "deny-unknown": {"unknown"},
    "deny-invalid": {"unknown"},
    "deny-or-invalid": {"deny", "invalid"},
    "allow-or-invalid": {"allow", "invalid"},
}


def rows():
    for file in FILES:
        for line in file.read_text("utf-8").splitlines() if file.exists() else ():
            row = json.loads(line)
            if row["kind"] in OURS:
                yield pytest.param(row, id=row["id"])


def qualified(pattern):
    """The rows write `server__tool`, we write `server/tool`."""
    return pattern.replace("__", "/", 1)


def document_of(row):
    by_effect = {"allow": [], "deny": []}
    for rule in row["rules"]:
        by_effect[rule["effect"]].append(qualified(rule["pattern"]))
    return {
        "default_user": {"allowed_mcps": "*"},
        "roles": {
            "somebody": {
                "allowed_tool_patterns": by_effect["allow"],
                "denied_tools": by_effect["deny"],
            }
        },
        "argument_rules": [
            {
                "tools": [qualified(tool)],
                "argument": name,
                "allow": value if value is None else [value],
            }
            for tool, rule in row.get("argument_rule", {}).items()
            for name, value in rule.items()
        ],
    }


def outcome(row):
    try:
        policy = compile_policy(document_of(row))
    except PolicyError:
        return "invalid"
    by_name = {f"{server}__{tool}": (server, tool) for server, tool in row["registered"]}
    found = by_name.get(row["call"]) if isinstance(row["call"], str) else None
    if found is None:
        return "unknown"
    subject = Subject("p@example.com", role="somebody")
    return str(decide(policy, subject, Target(*found), row.get("arguments", {}), NOW).effect)


@pytest.mark.parametrize("row", list(rows()))
def test_no_row_gets_around(row):
    expected = EXPECTED[row["expect"]]
    if (
        row["id"] == "policy-087"
    ):  # the slow pattern: its name is not registered, so match it anyway
        row = row | {"registered": [["x", row["call"]]], "call": f"x__{row['call']}"}
    assert outcome(row) in expected
