"""Rules: each column counts, or is an error that names it."""

import pytest

from accounts import rules
from accounts.errors import BadValue
from accounts.models import Rule
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="admin")
ROLE = {"kind": "role", "server": "upstream", "role": "viewer"}
WRONG = [
    ({"kind": "blocked", "patterns": ["x"], "server": "db"}, "server"),
    ({"kind": "default_effect", "mode": "deny", "patterns": ["x"]}, "patterns"),
    ({"kind": "blocked"}, "patterns"),
    ({"kind": "group", "patterns": ["x"]}, "name"),
    (ROLE, "mode"),
    (ROLE | {"mode": "sometimes"}, "mode"),
    (ROLE | {"mode": "allow_only", "patterns": ["get_["]}, "patterns"),
    ({"kind": "blocked", "patterns": ["@nobody"]}, "patterns"),
    ({"kind": "argument", "patterns": ["x"], "condition": {"min": 1}}, "condition.argument"),
    ({"kind": "default_user", "condition": {"allowed_mcps": 7}}, "condition.allowed_mcps"),
]


def test_what_would_be_read_by_nobody_or_in_no_way_is_refused_by_its_column(cast):
    before, found = Rule.objects.count(), []
    for values, _ in WRONG:
        with pytest.raises(BadValue) as refused:
            rules.create(values, by=cast.ada, who=ADA)
        found.append(refused.value.field)

    assert found == [field for _, field in WRONG]
    assert Rule.objects.count() == before


def test_a_rule_is_made_changed_and_deleted(cast):
    rule, made = rules.create({"kind": "blocked", "patterns": ["x"]}, by=cast.ada, who=ADA)
    _, changed = rules.change(rule, {"patterns": ["y"]}, by=cast.ada, who=ADA)
    deleted = rules.delete(rule, by=cast.ada, who=ADA)

    documents = [version.document.get("blocked_tools") for version in (made, changed, deleted)]
    assert documents == [["x"], ["y"], []]
