"""What is erased is nowhere in the entry, and the proof is as whole as it was."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import chain, erasing, record, seal
from audit.errors import OldFormError
from audit.findings import Finding
from audit.models import Entry
from audit.verify import verify
from tests.audit.conftest import FULL

pytestmark = pytest.mark.django_db

SECRET = "xyzzy-4711"
Raw = Callable[..., None]


def write(**facts: Any) -> Entry:
    return record.write("call.called", "ok", **{**FULL, **facts})


def write_old() -> Entry:
    """An entry of the first form, as it was written before there was salt."""
    entry = record.prepare("call.called", "ok", **{**FULL, "arguments": {"key": SECRET}})
    entry.salt = ""
    entry.digest = entry.reckon_digest()
    return record.write_many([entry])[0]


def erase(*entries: Entry, what: tuple[str, ...] = ("content",)) -> int:
    wanted = Entry.objects.filter(pk__in=[entry.pk for entry in entries])
    return erasing.erase(wanted, what, reason="asked to", who=record.Who(door="cli"))


def whole_row(entry: Entry) -> str:
    """Everything the database holds of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_entry WHERE id = %s", [entry.pk])
        return repr(cursor.fetchone())


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed", "waiting"])
@pytest.mark.parametrize("what", [("content",), ("person",), ("person", "content")])
def test_what_is_erased_is_gone_and_the_proof_holds(what: tuple[str, ...], is_sealed: bool) -> None:
    who = record.Who(person=f"{SECRET}@example.com", address="192.0.2.9", door="web")
    entry = write(who=who, arguments={"key": f"{SECRET}-a"}, detail={"said": f"{SECRET}-d"})
    other = write()
    if is_sealed:
        seal.seal_once()
    assert whole_row(entry).count(SECRET) == 3

    assert erase(entry, what=what) == 1

    left = {("content",): 1, ("person",): 2, ("person", "content"): 0}[what]
    assert whole_row(entry).count(SECRET) == left
    assert verify().finding is None
    seal.seal_once()
    assert verify().finding is None
    assert Entry.objects.get(pk=other.pk).arguments == FULL["arguments"]


def test_what_came_of_a_call_is_erased_like_the_call_itself() -> None:
    calling = record.prepare("call.calling", "pending", **FULL)
    called = record.follow(calling, "call.called", "ok", result=SECRET, milliseconds=7)
    record.write_many([calling, called])
    assert len({calling.salt, called.salt, ""}) == 3

    assert erase(calling, called, what=("person", "content")) == 2

    for entry in Entry.objects.filter(pk__in=[calling.pk, called.pk]):
        assert (entry.person, entry.arguments, entry.preview, entry.salt) == ("", None, "", "")
    seal.seal_once()
    assert verify().finding is None


def test_what_stays_is_what_is_counted_and_searched_by() -> None:
    entry = write()
    erase(entry, what=("person", "content"))
    found = Entry.objects.get(pk=entry.pk)
    assert (found.kind, found.at, found.server, found.tool) == (
        entry.kind,
        entry.at,
        entry.server,
        entry.tool,
    )
    assert (found.cost, found.digest, found.role) == (entry.cost, entry.digest, entry.role)
    assert (found.salt, found.person, found.arguments, found.reason) == ("", "", None, "")


def test_the_record_says_what_was_erased_and_why() -> None:
    entries = [write(), write()]
    assert erase(*entries) == 2
    said = Entry.objects.get(kind="record.erased")
    assert said.detail == {
        "entries": chain.ranges(entry.pk for entry in entries),
        "count": 2,
        "erased": ["content"],
        "reason": "asked to",
    }
    assert [Entry.objects.get(pk=one.pk).erased["entry"] for one in entries] == [said.pk] * 2


def test_nothing_tells_what_an_erased_value_was() -> None:
    """Two entries with the same contents leave different digests: the salt is gone."""
    one, other = write(), write()
    erase(one, other)
    left = [
        Entry.objects.get(pk=entry.pk).erased["groups"]["content"]["digest"]
        for entry in (one, other)
    ]
    assert len({*left, chain.digest(FULL["arguments"])}) == 3


def test_one_group_after_the_other_ends_as_both_at_once() -> None:
    entry = write()
    assert erase(entry, what=("content",)) == 1
    assert erase(entry, what=("person",)) == 1
    groups = Entry.objects.get(pk=entry.pk).erased["groups"]
    assert [[*proof] for proof in groups.values()] == [["digest"], ["digest"]]
    assert verify().finding is None


def test_what_was_erased_is_not_erased_again() -> None:
    entry = write()
    assert [erase(entry), erase(entry)] == [1, 0]
    assert Entry.objects.filter(kind="record.erased").count() == 1


def test_many_are_erased_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "AT_ONCE", 2)
    entries = [write() for _ in range(5)]
    assert erase(*entries) == 5
    assert Entry.objects.filter(kind="record.erased").count() == 3
    assert verify().finding is None


def test_what_the_record_says_about_itself_is_never_erased() -> None:
    erase(write())
    said = Entry.objects.get(kind="record.erased")
    assert erase(said, what=("person", "content")) == 0
    assert Entry.objects.get(pk=said.pk).detail == said.detail


# --- The first form -------------------------------------------------------------------------------
def test_contents_of_an_old_entry_are_erased_and_it_stays_provable() -> None:
    entry = write_old()
    seal.seal_once()
    assert SECRET in whole_row(entry)
    assert [erase(entry), erase(entry)] == [1, 0]
    assert SECRET not in whole_row(entry)
    assert verify().finding is None


def test_the_person_of_an_old_entry_stands_in_its_digest() -> None:
    entry = write_old()
    with pytest.raises(OldFormError, match=f"Entry {entry.pk} "):
        erase(entry, what=("person",))
    assert Entry.objects.get(pk=entry.pk).person == entry.person
    assert Entry.objects.filter(kind="record.erased").count() == 0


# --- Tampering by way of erasure ------------------------------------------------------------------
def test_an_erasure_that_nobody_recorded_is_found(raw: Raw) -> None:
    entry = write()
    seal.seal_once()
    erase(entry)
    raw("DELETE FROM audit_unsealed")
    raw("DELETE FROM audit_entry WHERE kind = 'record.erased'")
    assert verify().finding == Finding("erased-unsaid", entry.pk, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"preview": "put in again"},
        {"person": "mallory@example.com"},
        {"server": "another"},
        {"salt": "0" * 64},
        {"erased": None},
        {"erased": {}},
        {"erased": []},
        {"erased": {"groups": 1}},
        {"erased": {"groups": {"content": {"digest": "0" * 64}, "person": {"digest": "0" * 64}}}},
        {"erased": {"digests": {}}},
        {"erased": {"digests": {"person": "0" * 64}}},
        {"erased": {"digests": 7, "entry": 1}},
    ],
    ids=str,
)
def test_a_change_to_an_erased_entry_is_found(change: dict[str, Any], raw: Raw) -> None:
    entry = write()
    seal.seal_once()
    erase(entry)
    [(column, value)] = change.items()
    raw(
        f"UPDATE audit_entry SET {column} = %s WHERE id = %s",
        value if isinstance(value, str | None) else json.dumps(value),
        entry.pk,
    )
    assert verify().finding == Finding("changed", entry.pk, 1)


def test_contents_put_into_an_erased_old_entry_are_found(raw: Raw) -> None:
    entry = write_old()
    seal.seal_once()
    erase(entry)
    raw("UPDATE audit_entry SET arguments = %s WHERE id = %s", '{"key": "mallory"}', entry.pk)
    assert verify().finding == Finding("changed", entry.pk, 1)


def test_an_erasure_said_of_another_entry_is_found(raw: Raw) -> None:
    entry, other = write(), write()
    seal.seal_once()
    erase(entry)
    said = Entry.objects.get(kind="record.erased")
    erase(other)
    erased = {**Entry.objects.get(pk=other.pk).erased, "entry": said.pk}
    raw("UPDATE audit_entry SET erased = %s WHERE id = %s", json.dumps(erased), other.pk)
    assert verify().finding == Finding("erased-unsaid", other.pk, 1)


# --- The command ----------------------------------------------------------------------------------
def run(*words: str) -> None:
    call_command("erase_audit", *words)


def test_the_command_erases_entries_by_number(capsys: pytest.CaptureFixture) -> None:
    entries = [write() for _ in range(3)]
    run(str(entries[0].pk), str(entries[2].pk), "--reason", "a secret got in")
    assert capsys.readouterr().out == "2 entries erased\n"
    assert [Entry.objects.get(pk=one.pk).preview == "" for one in entries] == [True, False, True]
    assert Entry.objects.get(kind="record.erased").detail["reason"] == "a secret got in"


def test_the_command_erases_a_person(capsys: pytest.CaptureFixture) -> None:
    for person in ("ada@example.com", "bob@example.com"):
        write(who=record.Who(person=person))
    run("person=ada@example.com", "--what", "all", "--reason", "asked to", "--dry-run")
    assert capsys.readouterr().out == "1 entries would be erased\n"
    assert Entry.objects.filter(person="ada@example.com").count() == 1
    run("person=ada@example.com", "--what", "all", "--reason", "asked to")
    people = Entry.objects.filter(kind="call.called").values_list("person", flat=True)
    assert sorted(people) == ["", "bob@example.com"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1000000", "--reason", "r"], "No entries that could be erased: 1000000"),
        (["1", "person=ada@example.com", "--reason", "r"], "not both"),
        (["people=ada", "--reason", "r"], "people"),
        (["person=ada@example.com", "--reason", " "], "--reason"),
        (["person=ada@example.com"], "--reason"),
        (["--reason", "r"], "ENTRY"),
    ],
)
def test_the_command_refuses_what_it_cannot_read(words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*words)
