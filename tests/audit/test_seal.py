"""Blocks: everything once, whoever seals, and whoever dies while sealing."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from audit import chain, record, seal
from audit.models import Block, Entry, Unsealed
from audit.verify import verify


def test_a_block_seals_all_that_waits(db: None) -> None:
    entries = [record.write("auth.login", "ok") for _ in range(3)]
    assert seal.seal_once() == 3
    block = Block.objects.get()
    ids = [entry.pk for entry in entries]
    assert (block.number, block.previous, block.count) == (1, "", 3)
    assert (block.first, block.last, block.members) == (ids[0], ids[-1], f"{ids[0]}-{ids[-1]}")
    assert block.root == chain.merkle_root([entry.digest for entry in entries])
    assert block.digest == block.reckon_digest()
    assert Unsealed.objects.count() == 0


def test_what_waits_is_told_with_its_age(db: None) -> None:
    assert seal.waiting() == seal.Waiting(0, 0)
    entries = [record.prepare("auth.login", "ok") for _ in range(2)]
    entries[0].at -= timedelta(minutes=5)
    record.write_many(entries)
    found = seal.waiting()
    assert (found.unsealed, found.oldest_seconds in range(300, 320)) == (2, True)
    seal.seal_once()
    assert seal.waiting() == seal.Waiting(0, 0)


def test_nothing_to_seal_makes_no_block(db: None) -> None:
    assert seal.seal_once() == 0
    assert seal.seal_block() is None
    assert Block.objects.count() == 0


def test_a_block_is_chained_to_the_one_before(sealed: list[Entry]) -> None:
    first, second = Block.objects.order_by("number")
    assert (second.number, second.previous) == (2, first.digest)


def test_a_backlog_is_sealed_in_several_blocks(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "BLOCK_SIZE", 4)
    record.write_many(record.prepare("auth.login", "ok") for _ in range(10))
    assert seal.seal_once() == 10
    assert list(Block.objects.order_by("number").values_list("count", flat=True)) == [4, 4, 2]
    assert verify().finding is None


def test_what_is_written_while_a_block_is_made_waits_for_the_next_second(db: None) -> None:
    original = seal._chained

    def writing_meanwhile(block: Block) -> Block:
        record.write("auth.login", "ok")
        return original(block)

    record.write("auth.login", "ok")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "_chained", writing_meanwhile)
        assert [seal.seal_once(), seal.seal_once()] == [1, 1]


def test_an_entry_that_commits_late_is_sealed_later(db: None) -> None:
    entries = [record.write("auth.login", "ok") for _ in range(5)]
    late = list(Unsealed.objects.filter(entry__in=[entries[1].pk, entries[3].pk]))
    Unsealed.objects.filter(entry__in=[row.entry for row in late]).delete()
    assert seal.seal_once() == 3
    Unsealed.objects.bulk_create(late)
    assert seal.seal_once() == 2
    report = verify()
    assert (report.finding, report.entries, report.blocks, report.unsealed) == (None, 5, 2, 0)


def test_a_sealer_that_comes_second_gives_way(sealed: list[Entry]) -> None:
    number = 3
    other = Block(number=number, root="r", digest="d", first=9, last=9, count=1, members="9")
    other.witness, other.sealed_at = b"", sealed[0].at
    other.save()
    original = seal._chained

    def same_number(block: Block) -> Block:
        chained = original(block)
        chained.number = number
        return chained

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "_chained", same_number)
        assert seal.seal_block() is None
    assert list(Unsealed.objects.values_list("entry", flat=True)) == [sealed[-1].pk]


def test_a_sealer_that_dies_leaves_its_entries_waiting(db: None) -> None:
    record.write("auth.login", "ok")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(seal, "_chained", _killed)
        seal.seal_block()
    assert (Block.objects.count(), Unsealed.objects.count()) == (0, 1)
    assert seal.seal_once() == 1


def _killed(_block: Block) -> Block:
    raise KeyboardInterrupt


def run_together(*jobs: Callable[[], None]) -> list[BaseException]:
    """Run each job in a thread of its own with its own connection; what they raised."""
    raised: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_sealers_among_writers_seal_everything_once(shared_database: None) -> None:
    writing = threading.Event()
    broken: list[object] = []

    def write() -> None:
        for _ in range(25):
            record.write("auth.login", "ok")

    def keep_sealing() -> None:
        while not writing.is_set():
            with suppress(OperationalError):
                seal.seal_once()

    def keep_verifying() -> None:
        while not writing.is_set():
            broken.extend(filter(None, [verify().finding]))

    def write_all() -> None:
        raised = run_together(write, write)
        writing.set()
        assert raised == []

    assert run_together(keep_sealing, keep_sealing, keep_verifying, write_all) == []
    while seal.seal_once():
        pass
    report = verify()
    assert (broken, report.finding, report.entries, report.unsealed) == ([], None, 50, 0)
    assert sum(Block.objects.values_list("count", flat=True)) == 50
