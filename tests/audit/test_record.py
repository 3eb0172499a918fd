"""What goes into the record, in which form, and what happens when it cannot."""

import json
from dataclasses import asdict
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from audit import chain, record, redact
from audit.errors import UnknownNameError
from audit.models import Entry, Unsealed
from tests.audit.conftest import FULL, WHO

# Rows of threat T-23, our own.
LOG_INJECTION = [
    "a\0b",
    "first\nsecond",
    "first\r\n2026-03-01 INFO forged",
    "\x1b[2J\x1b[31mred",
    "back\b\b\bspace",
    "\u202eexe.cod",
    "line\u2028separator",
    '{"level":"INFO","msg":"forged"}',
    "x" * 5000,
    "half \ud83d",
]
TEXTS = [*asdict(WHO), *record.TEXTS]


def test_everything_said_is_found_again(db: None) -> None:
    entry = Entry.objects.get(pk=record.write("call.called", "ok", **FULL).pk)
    assert {name: getattr(entry, name) for name in asdict(WHO)} == asdict(WHO)
    expected = {name: FULL[name] for name in (*record.TEXTS, "arguments", "detail", "cost")}
    assert {name: getattr(entry, name) for name in expected} == expected
    assert entry.preview == '{"content":[{"text":"3 rows","type":"text"}],"isError":false}'
    assert entry.result_digest == chain.digest(FULL["result"])
    assert entry.arguments_digest == chain.digest(FULL["arguments"])
    assert (entry.effect, entry.layer, entry.rule, entry.reason) == ("allow", "role", "dba", "may")
    assert entry.decision == FULL["decision"]
    assert (entry.input_tokens, entry.output_tokens) == (900, 80)
    assert (entry.cache_read_tokens, entry.cache_write_tokens) == (0, None)
    assert entry.milliseconds == 41


def test_what_was_not_said_stays_unknown(db: None) -> None:
    entry = Entry.objects.get(pk=record.write("auth.login", "ok").pk)
    empty = set(Entry.columns()) - {"kind", "outcome", "at"}
    assert {getattr(entry, name) for name in empty} == {None, ""}


def test_the_digest_is_that_of_the_row_as_it_is_read_back(db: None) -> None:
    facts = FULL | {"cost": Decimal("0.1"), "arguments": {"a": [1.0, 1e22, 0.1, -0.0, "ü\0"]}}
    entry = record.write("call.called", "ok", **facts)
    assert Entry.objects.get(pk=entry.pk).reckon_digest() == entry.digest


def test_an_entry_waits_to_be_sealed(db: None) -> None:
    entry = record.write("auth.login", "ok")
    assert list(Unsealed.objects.values_list()) == [(entry.pk, entry.digest)]


def test_a_uuid_is_kept_as_text(db: None) -> None:
    question = UUID(int=7)
    entry = record.write("question.accepted", "ok", question=question)
    assert Entry.objects.get(question=str(question)) == entry


def test_no_arguments_and_empty_arguments_differ(db: None) -> None:
    without, empty = (
        record.write("call.calling", "ok"),
        record.write("call.calling", "ok", arguments={}),
    )
    assert [without.arguments, empty.arguments] == [None, {}]
    assert [without.arguments_digest, empty.arguments_digest] == ["", chain.digest({})]


def test_many_are_written_together_in_order(db: None) -> None:
    entries = [record.prepare("auth.login", "ok", server=str(number)) for number in range(5)]
    record.write_many(entries)
    assert list(Entry.objects.order_by("id").values_list("server", flat=True)) == list("01234")
    assert Unsealed.objects.count() == 5


def test_a_rolled_back_transaction_leaves_nothing(db: None) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        record.write("auth.login", "ok")
        assert Entry.objects.count() == Unsealed.objects.count() == 1
        raise RuntimeError
    assert Entry.objects.count() == Unsealed.objects.count() == 0


def test_an_entry_that_cannot_be_queued_is_not_written(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_unsealed RENAME TO elsewhere")
    with pytest.raises(DatabaseError), transaction.atomic():
        record.write("auth.login", "ok")
    assert Entry.objects.count() == 0


def test_a_failing_database_is_an_error_of_the_caller(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry RENAME TO elsewhere")
    with pytest.raises(DatabaseError), transaction.atomic():
        record.write("call.calling", "pending")


@pytest.mark.parametrize(
    ("kind", "outcome", "facts"),
    [
        ("call.caled", "ok", {}),
        ("", "ok", {}),
        ("call.called", "great", {}),
        ("call.called", "ok", {"tokens": {"inputs": 1}}),
    ],
)
def test_an_unknown_name_is_refused(db: None, kind: str, outcome: str, facts: dict) -> None:
    with pytest.raises(UnknownNameError):
        record.write(kind, outcome, **facts)
    assert Entry.objects.count() == 0


def test_an_unknown_fact_is_refused(db: None) -> None:
    with pytest.raises(TypeError, match="the record has no place for argument, toll"):
        record.write("call.called", "ok", toll="x", argument={})


@pytest.mark.parametrize("name", TEXTS)
def test_a_secret_in_a_text_is_taken_out(db: None, name: str) -> None:
    secret = "remembered-9"
    redact.remember(secret)
    said: dict = {name: f"a {secret} b"}
    raw: record.Facts = {"who": record.Who(**said)} if name in asdict(WHO) else said
    entry = record.write("auth.refused", "refused", **raw)
    redact.forget(secret)
    assert getattr(entry, name) == "a [redacted] b"


def test_a_planted_secret_stands_nowhere(db: None) -> None:
    secret = "plänted-9"
    redact.remember(secret)
    said: dict = {"text": secret, "list": [{secret: secret}], "token": "abc", "key": f"a{secret}"}
    decision = {"effect": "deny", "layer": secret, "rule": secret, "reason": secret, "fix": secret}
    record.write(
        "call.called",
        "failed",
        arguments=said,
        result={"content": [{"type": "text", "text": json.dumps(said)}]},
        decision=decision,
        detail=said,
        error_code=secret,
    )
    redact.forget(secret)
    row = json.dumps(Entry.objects.values().get(), default=str, ensure_ascii=False)
    assert secret not in row
    assert json.dumps(secret)[1:-1] not in row
    assert row.count("[redacted]") >= 10


@pytest.mark.parametrize("text", LOG_INJECTION)
@pytest.mark.parametrize("name", ["person", "user_agent", "tool"])
def test_a_hostile_text_is_kept_safe_and_short(db: None, name: str, text: str) -> None:
    raw: dict = {"who": record.Who(**{name: text})} if name != "tool" else {"tool": text}
    entry = Entry.objects.get(pk=record.write("auth.refused", "refused", **raw).pk)
    kept = getattr(entry, name)
    assert "\0" not in kept
    assert len(kept.encode()) <= 4 * record.LENGTHS[name]
    assert len(kept) <= record.LENGTHS[name]
    assert entry.reckon_digest() == entry.digest


def test_a_long_text_says_that_it_was_cut(db: None) -> None:
    entry = record.write("auth.refused", "refused", error_code="x" * 65)
    assert entry.error_code == "x" * 63 + "…"


def test_a_long_result_is_a_short_preview_with_the_whole_ones_digest(db: None) -> None:
    long, longer = "x" * 30_000, "x" * 30_001
    first = record.write("call.called", "ok", result=long)
    second = record.write("call.called", "ok", result=longer)
    assert first.preview == second.preview == "x" * 1999 + "…"
    assert [first.result_digest, second.result_digest] == [chain.digest(long), chain.digest(longer)]


def test_a_secret_across_the_cut_leaves_no_half(db: None) -> None:
    redact.remember("half-of-this-secret")
    entry = record.write("call.called", "ok", result="x" * 1995 + "half-of-this-secret")
    redact.forget("half-of-this-secret")
    assert entry.preview == "x" * 1995 + "[red…"


def test_long_arguments_are_kept_by_their_beginning(db: None) -> None:
    arguments = {"rows": ["x" * 100] * 300}
    entry = record.write("call.calling", "pending", arguments=arguments)
    assert entry.arguments == {
        "cut": True,
        "characters": len(chain.canonical(arguments)),
        "beginning": chain.canonical(arguments).decode()[:8000],
    }
    assert entry.arguments_digest == chain.digest(arguments)
