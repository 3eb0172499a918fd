"""Whatever is done to the record behind its back is found, and the place is named."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection, transaction

from audit import chain, record, seal, triggers
from audit.findings import Finding
from audit.models import Block, Entry, Unsealed
from audit.verify import block_at, verify

Raw = Callable[..., None]

FORGED: dict[str, object] = {
    "kind": "auth.login",
    "outcome": "failed",
    "at": "2020-01-01 00:00:00+00:00",
    "arguments": '{"database": "other"}',
    "decision": '{"effect": "deny"}',
    "inputs": "{}",
    "detail": "{}",
    "erased": "{}",
    "cost": "0.5",
    **dict.fromkeys(
        ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"], 7
    ),
    "milliseconds": 7,
}


def found() -> tuple[int | None, int | None]:
    finding = verify().finding
    assert finding is not None, "nothing was noticed"
    return finding.entry, finding.block


def test_an_untouched_record_is_intact(sealed: list[Entry]) -> None:
    report = verify()
    head = Block.objects.get(number=2).digest
    assert (report.finding, report.head) == (None, head)
    assert (report.entries, report.blocks, report.unsealed) == (7, 2, 1)


def test_an_empty_record_is_intact(db: None) -> None:
    report = verify()
    assert (report.finding, report.entries, report.blocks, report.head) == (None, 0, 0, "")


def test_what_is_sealed_while_a_verification_begins_is_no_finding(sealed: list[Entry]) -> None:
    looked: list[str] = []

    def write_and_seal_after_the_first_look(execute: Any, sql: str, *rest: Any) -> Any:
        looked.append(sql)
        found = execute(sql, *rest)
        if len(looked) == 1:
            record.write("auth.login", "ok")
            seal.seal_once()
        return found

    with connection.execute_wrapper(write_and_seal_after_the_first_look):
        report = verify()
    assert (report.finding, report.entries) == (None, len(sealed) + 1)


def test_ids_lost_to_rolled_back_transactions_are_no_finding(sealed: list[Entry]) -> None:
    later = record.prepare("auth.login", "ok")
    later.pk = sealed[-1].pk + 10
    record.write_many([later])
    seal.seal_once()
    assert verify().finding is None


@pytest.mark.parametrize("at", [2, 6], ids=["sealed", "waiting"])
@pytest.mark.parametrize("column", [*Entry.columns(), "digest", "salt", "erased"])
def test_an_edited_column_is_found(column: str, at: int, sealed: list[Entry], raw: Raw) -> None:
    entry = sealed[at].pk
    raw(f"UPDATE audit_entry SET {column} = %s WHERE id = %s", FORGED.get(column, "forged"), entry)
    assert found() == (entry, 1 if at == 2 else None)
    assert verify().finding == Finding("changed", entry, 1 if at == 2 else None)


@pytest.mark.parametrize("column", ["cost", "milliseconds", "arguments", "detail", "input_tokens"])
def test_an_emptied_column_is_found(column: str, sealed: list[Entry], raw: Raw) -> None:
    raw(f"UPDATE audit_entry SET {column} = NULL WHERE id = %s", sealed[1].pk)
    assert found() == (sealed[1].pk, 1)


def test_of_several_edits_the_first_is_named(sealed: list[Entry], raw: Raw) -> None:
    raw("UPDATE audit_entry SET person = 'x' WHERE id IN (%s, %s)", sealed[4].pk, sealed[1].pk)
    assert found() == (sealed[1].pk, 1)


def edit_with_digest(entry: int, raw: Raw) -> str:
    """What somebody who has read this code would do: make the digest fit as well."""
    raw("UPDATE audit_entry SET person = 'mallory' WHERE id = %s", entry)
    digest = Entry.objects.get(pk=entry).reckon_digest()
    raw("UPDATE audit_entry SET digest = %s WHERE id = %s", digest, entry)
    return digest


def test_an_edit_with_a_fitting_digest_is_found(sealed: list[Entry], raw: Raw) -> None:
    edit_with_digest(sealed[2].pk, raw)
    assert found() == (sealed[2].pk, 1)


def test_an_edit_with_a_fitting_witness_is_found_in_its_block(
    sealed: list[Entry], raw: Raw
) -> None:
    digest = edit_with_digest(sealed[2].pk, raw)
    leaves = [*(entry.digest for entry in sealed[:2]), digest, sealed[3].digest]
    raw("UPDATE audit_block SET witness = %s WHERE number = 1", chain.witness(leaves))
    assert found() == (sealed[0].pk, 1)


def test_an_edit_with_a_fitting_block_breaks_the_chain(sealed: list[Entry], raw: Raw) -> None:
    digest = edit_with_digest(sealed[2].pk, raw)
    leaves = [*(entry.digest for entry in sealed[:2]), digest, sealed[3].digest]
    block = Block.objects.get(number=1)
    block.root = chain.merkle_root(leaves)
    raw(
        "UPDATE audit_block SET witness = %s, root = %s, digest = %s WHERE number = 1",
        chain.witness(leaves),
        block.root,
        block.reckon_digest(),
    )
    assert found() == (None, 2)


@pytest.mark.parametrize("at", [0, 3, 5])
def test_a_deleted_entry_is_found(at: int, sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_entry WHERE id = %s", sealed[at].pk)
    assert found() == (sealed[at].pk, 1 if at < 4 else 2)


def test_an_entry_deleted_before_it_was_sealed_is_found(sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_entry WHERE id = %s", sealed[6].pk)
    assert found() == (sealed[6].pk, None)


def test_an_entry_deleted_with_its_place_in_the_queue_is_not_found(
    sealed: list[Entry], raw: Raw
) -> None:
    """The limit of this proof: what was never sealed; sealing every second keeps it small."""
    raw("DELETE FROM audit_entry WHERE id = %s", sealed[6].pk)
    raw("DELETE FROM audit_unsealed WHERE entry = %s", sealed[6].pk)
    assert verify().finding is None


def test_an_entry_edited_in_the_queue_is_found(sealed: list[Entry], raw: Raw) -> None:
    edit_with_digest(sealed[6].pk, raw)
    assert found() == (sealed[6].pk, None)


def forge(pk: int) -> Entry:
    """An entry as `record` would make it, but put there past it."""
    entry = record.prepare("auth.login", "ok")
    entry.pk = pk
    entry.save()
    return entry


@pytest.mark.parametrize("place", ["at the end", "before the first", "below zero"])
def test_an_inserted_entry_is_found(place: str, sealed: list[Entry]) -> None:
    places = {"at the end": sealed[6].pk + 5, "before the first": sealed[0].pk - 1}
    forged = forge(places.get(place, -7))
    assert found() == (forged.pk, None)


def test_an_entry_inserted_with_a_block_of_its_own_is_found(sealed: list[Entry]) -> None:
    forged = forge(-7)
    block = Block(number=0, first=-7, last=-7, count=1, members="-7", sealed_at=forged.at)
    block.root, block.witness = chain.merkle_root([forged.digest]), chain.witness([forged.digest])
    block.digest = block.reckon_digest()
    block.save()
    assert found() == (None, 0)


def test_swapped_entries_are_found(sealed: list[Entry], raw: Raw) -> None:
    one, other = sealed[1].pk, sealed[3].pk
    for old, new in ((one, -1), (other, one), (-1, other)):
        raw("UPDATE audit_entry SET id = %s WHERE id = %s", new, old)
    assert found() == (one, 1)


def test_a_replaced_entry_is_found(sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_entry WHERE id = %s", sealed[1].pk)
    forge(sealed[1].pk)
    assert found() == (sealed[1].pk, 1)


def test_an_entry_sealed_twice_is_found(sealed: list[Entry]) -> None:
    entry = sealed[2]
    Unsealed.objects.create(entry=entry.pk, digest=entry.digest)
    assert seal.seal_once() == 2
    assert found() == (entry.pk, 3)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("previous", "x"),
        ("root", "x"),
        ("digest", "x"),
        ("first", 1000),
        ("last", 1000),
        ("count", 3),
        ("members", "1-3"),
        ("sealed_at", "2020-01-01 00:00:00+00:00"),
    ],
)
def test_a_changed_block_is_found(
    column: str, value: object, sealed: list[Entry], raw: Raw
) -> None:
    raw(f"UPDATE audit_block SET {connection.ops.quote_name(column)} = %s WHERE number = 1", value)
    assert found()[1] == 1


def test_a_deleted_block_is_found(sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_block WHERE number = 1")
    assert found() == (None, 1)


def test_a_deleted_last_block_leaves_its_entries_behind(sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_block WHERE number = 2")
    assert found() == (sealed[4].pk, None)


def test_a_tail_cut_off_whole_is_seen_by_the_head_alone(sealed: list[Entry], raw: Raw) -> None:
    head = verify().head
    raw("DELETE FROM audit_block WHERE number = 2")
    raw("DELETE FROM audit_entry WHERE id >= %s", sealed[4].pk)
    raw("DELETE FROM audit_unsealed")
    report = verify()
    assert report.finding is None
    assert report.head != head


def test_a_restored_dump_is_intact(sealed: list[Entry], raw: Raw) -> None:
    tables = ("audit_entry", "audit_block", "audit_unsealed")
    for table in tables:
        raw(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")
        raw(f"DELETE FROM {table}")
        raw(f"INSERT INTO {table} SELECT * FROM kept_{table}")
    assert verify().finding is None
    seal.seal_once()
    assert (verify().finding, Block.objects.count()) == (None, 3)


def test_an_entry_that_cannot_be_read_is_named(sealed: list[Entry], raw: Raw) -> None:
    unreadable = "UPDATE audit_entry SET at = '2020-99-99 00:00:00' WHERE id = %s"
    if connection.vendor != "sqlite":
        # PostgreSQL keeps no value that is not of its column's type.
        with pytest.raises(DataError), transaction.atomic():
            raw(unreadable, sealed[2].pk)
        return
    raw(unreadable, sealed[2].pk)
    assert verify().finding == Finding("unreadable", sealed[2].pk, 1)
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", sealed[1].pk)
    assert found() == (sealed[1].pk, 1)


# --- Times ----------------------------------------------------------------------------------------
def write_at(**ago: float) -> Entry:
    """An entry that says it was written so long ago, and is sealed like any other."""
    entry = record.prepare("auth.login", "ok")
    entry.at -= timedelta(**ago)
    entry.digest = entry.reckon_digest()
    record.write_many([entry])
    seal.seal_once()
    return entry


def test_a_backdated_entry_is_found(sealed: list[Entry]) -> None:
    entry = write_at(hours=2)
    assert verify().finding == Finding("backdated", entry.pk, 3)


def test_an_entry_from_the_future_is_found(sealed: list[Entry]) -> None:
    entry = write_at(hours=-2)
    assert verify().finding == Finding("postdated", entry.pk, 3)


def test_clocks_that_differ_a_little_are_no_finding(sealed: list[Entry]) -> None:
    write_at(minutes=30)
    write_at(minutes=-30)
    assert verify().finding is None


def test_a_backlog_sealed_late_is_no_finding(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in (9, 6, 3):
        entry = record.prepare("auth.login", "ok")
        entry.at -= timedelta(hours=hours)
        entry.digest = entry.reckon_digest()
        record.write_many([entry])
    monkeypatch.setattr(seal, "BLOCK_SIZE", 1)
    assert (seal.seal_once(), verify().finding) == (3, None)


# --- In stretches ---------------------------------------------------------------------------------
@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.verify.SPAN", 2)


@pytest.fixture
def late(sealed: list[Entry], short_stretches: None) -> list[Entry]:
    """Twelve entries; one of those before block 3 is sealed in block 4, another one waits."""
    entries = [record.write("auth.login", "ok") for _ in range(5)]
    late = list(Unsealed.objects.filter(entry__in=[entries[1].pk, entries[3].pk]))
    Unsealed.objects.filter(entry__in=[row.entry for row in late]).delete()
    seal.seal_once()
    Unsealed.objects.bulk_create(late[:1])
    seal.seal_once()
    Unsealed.objects.bulk_create(late[1:])
    return entries


def test_an_entry_sealed_behind_its_stretch_is_no_finding(late: list[Entry]) -> None:
    report = verify()
    assert (report.finding, report.entries, report.blocks, report.unsealed) == (None, 12, 4, 1)


@pytest.mark.parametrize("at", [1, 3], ids=["sealed late", "waiting"])
def test_an_edit_behind_its_stretch_is_found(at: int, late: list[Entry], raw: Raw) -> None:
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", late[at].pk)
    assert verify().finding == Finding("changed", late[at].pk, 4 if at == 1 else None)


@pytest.mark.parametrize(("at", "kind"), [(1, "missing"), (3, "queue-missing")])
def test_a_deletion_behind_its_stretch_is_found(
    at: int, kind: str, late: list[Entry], raw: Raw
) -> None:
    raw("DELETE FROM audit_entry WHERE id = %s", late[at].pk)
    assert verify().finding == Finding(kind, late[at].pk, 4 if at == 1 else None)


def test_an_entry_sealed_twice_behind_its_stretch_is_found(late: list[Entry]) -> None:
    Unsealed.objects.create(entry=late[1].pk, digest=late[1].digest)
    seal.seal_once()
    found = verify().finding
    assert found in [Finding("sealed-twice", late[1].pk, block) for block in (4, 5)]


def test_the_first_of_two_breaks_is_named_across_stretches(late: list[Entry], raw: Raw) -> None:
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", late[4].pk)
    forged = forge(-7)
    assert verify().finding == Finding("inserted", forged.pk)


# --- From a block on ------------------------------------------------------------------------------
def test_what_is_before_the_start_is_trusted(sealed: list[Entry], raw: Raw) -> None:
    report = verify(2)
    assert (report.finding, report.entries, report.blocks, report.unsealed) == (None, 3, 1, 1)
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", sealed[1].pk)
    assert verify().finding == Finding("changed", sealed[1].pk, 1)
    assert verify(2).finding is None
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", sealed[4].pk)
    assert verify(2).finding == Finding("changed", sealed[4].pk, 2)


def test_a_start_among_late_entries_is_intact(late: list[Entry]) -> None:
    assert [verify(start).finding for start in (1, 2, 3, 4, 5)] == [None] * 5


def test_a_block_before_the_start_has_to_be_there(sealed: list[Entry], raw: Raw) -> None:
    raw("DELETE FROM audit_block WHERE number = 1")
    assert verify(2).finding == Finding("block-missing", block=1)


def test_a_time_is_the_first_block_sealed_since(sealed: list[Entry]) -> None:
    first, second = Block.objects.order_by("number")
    assert [block_at(one.sealed_at) for one in (first, second)] == [1, 2]
    assert block_at(second.sealed_at + timedelta(seconds=1)) == 3


# --- The command ----------------------------------------------------------------------------------
def test_the_command_says_what_it_saw(sealed: list[Entry], capsys: pytest.CaptureFixture) -> None:
    call_command("verify_audit")
    head = Block.objects.get(number=2)
    assert capsys.readouterr().out.splitlines() == [
        "intact: 7 entries, 2 blocks, 1 not yet sealed",
        f"head {head.digest}",
        f"blocks signed: 2 by key {head.key}",
        "no anchor to compare with: that nothing was cut off the end is not proven",
    ]


def test_the_command_names_the_place_and_fails(
    sealed: list[Entry], raw: Raw, capsys: pytest.CaptureFixture
) -> None:
    edit_with_digest(sealed[2].pk, raw)
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_audit")
    assert stopped.value.code == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        f"BROKEN entry {sealed[2].pk}, block 1: "
        "it is not the entry that was sealed (replaced or swapped)"
    )


def test_the_command_speaks_json(
    sealed: list[Entry], raw: Raw, capsys: pytest.CaptureFixture
) -> None:
    raw("UPDATE audit_entry SET person = 'x' WHERE id = %s", sealed[0].pk)
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["finding"] == {
        "kind": "changed",
        "entry": sealed[0].pk,
        "block": 1,
        "problem": "it was changed after it was written",
    }


def test_the_command_says_where_a_trigger_is_missing(
    sealed: list[Entry], capsys: pytest.CaptureFixture
) -> None:
    call_command("verify_audit")
    assert capsys.readouterr().err == ""
    drop_a_trigger_of("audit_block")
    call_command("verify_audit")
    assert capsys.readouterr().err.strip() == (
        "no trigger keeps audit_block from being changed: run manage.py migrate"
    )


def drop_a_trigger_of(table: str) -> None:
    name = next(name for name, on in triggers._existing().items() if on == table)
    with connection.cursor() as cursor:
        on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
        cursor.execute(f'DROP TRIGGER "{name}"{on}')


def test_the_command_begins_where_it_is_told(
    sealed: list[Entry], capsys: pytest.CaptureFixture
) -> None:
    call_command("verify_audit", "--from", "2")
    said = capsys.readouterr().out.splitlines()[0]
    assert said == "intact: 3 entries, 1 blocks, 1 not yet sealed, from block 2 on"
    call_command("verify_audit", "--from", "1h")
    assert (
        capsys.readouterr().out.splitlines()[0] == "intact: 7 entries, 2 blocks, 1 not yet sealed"
    )


@pytest.mark.parametrize("options", [["--from", "0"], ["--from", "May"], ["--processes", "0"]])
def test_the_command_refuses_what_it_cannot_read(options: list[str], db: None) -> None:
    with pytest.raises(CommandError, match="number"):
        call_command("verify_audit", *options)
