"""What a decision rested on is kept, and what redaction took from it is said."""

from typing import Any

import pytest

from audit import record, redact
from audit.models import Entry

INPUTS = {"subject": {"person": "ada@example.com"}, "at": "2026-05-01T12:00:00+00:00"}
LONG = "x" * 20_000


def kept(arguments: Any, inputs: Any = INPUTS) -> Any:
    facts: Any = {"arguments": arguments, "inputs": inputs}
    entry = record.write("call.calling", "pending", **facts)
    return Entry.objects.get(pk=entry.pk).inputs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (None, {}),
        ({}, {}),
        ({"a": [1, 1.5, True, None, "x"], "max_tokens": 5}, {}),
        ({"password": "hunter22", "limit": 5}, {"hidden": ["password"]}),
        ({"deep": {"token": "abcdefgh"}, "limit": 5}, {"hidden": ["deep"]}),
        ({"text": "Bearer abcdef0123456789abcdef"}, {"hidden": ["text"]}),
        ({"number": float("inf")}, {"hidden": ["number"]}),
        ({"k\0ey": 1}, {"hidden": "*"}),
        ("no object", {}),
        (["Bearer abcdef0123456789abcdef"], {"hidden": "*"}),
        ({"big": LONG, "db": "hr"}, {"hidden": ["big"], "given": {"db": "hr"}}),
        (
            {"big": LONG, "db": "hr", "password": "hunter22"},
            {"hidden": ["password", "big"], "given": {"db": "hr"}},
        ),
        ({LONG: 1}, {"hidden": "*"}),
        ({f"a{i}": "x" * 200 for i in range(101)}, {"hidden": "*"}),
    ],
    ids=range(14),
)
def test_arguments_that_are_not_stored_as_they_were_are_named(
    arguments: Any, said: Any, db: None
) -> None:
    assert kept(arguments) == INPUTS | said


@pytest.mark.parametrize(
    ("subject", "stored"),
    [
        ({"secret": ["get_*"]}, {"secret": ["[redacted]"]}),
        ({"person": "T38-remembered-value"}, {"person": "[redacted]"}),
    ],
    ids=range(2),
)
def test_a_person_who_is_not_stored_as_they_were_is_marked(
    subject: Any, stored: Any, db: None
) -> None:
    redact.remember("T38-remembered-value")
    try:
        found = kept({}, {"subject": subject})
    finally:
        redact.forget("T38-remembered-value")
    assert found == {"subject": stored, "altered": True}


def test_inputs_too_large_to_keep_are_not_kept_in_part(db: None) -> None:
    assert kept({}, {"subject": {"teams": [LONG]}}) == {"altered": True}


def test_without_a_decision_there_are_no_inputs(db: None) -> None:
    assert record.write("call.refused", "refused", arguments={"a": 1}).inputs is None
