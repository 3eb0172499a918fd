"""Followers: every block once or at least once, in order, whoever reads, and whoever dies."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from audit import chain, following, record, seal
from audit.erasing import erase
from audit.models import Block, Entry, Follower, Unsealed
from audit.record import Who
from tests.audit.test_seal import run_together


class Reader:
    """Remembers what it was handed and had to write, call by call."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.written: list[int] = []

    def __call__(self, entries: "QuerySet[Entry]") -> Callable[[], None]:
        ids = [entry.pk for entry in entries]
        self.batches.append(ids)
        return lambda: self.written.extend(ids)


def write(count: int) -> list[int]:
    """Entries in a block of their own."""
    written = record.write_many(record.prepare("auth.login", "ok") for _ in range(count))
    seal.seal_once()
    return [entry.pk for entry in written]


both_ways = pytest.mark.parametrize("follow", [following.take, following.deliver])


@both_ways
def test_what_is_sealed_is_handed_over_once_in_order(sealed: list[Entry], follow: Any) -> None:
    reader, ids = Reader(), [entry.pk for entry in sealed]
    assert (follow("r", reader), follow("r", reader)) == (2, 0)
    assert reader.batches == [ids[:6]]
    assert seal.seal_once() == 1
    assert (follow("r", reader), follow("r", reader)) == (1, 0)
    assert reader.batches == [ids[:6], ids[6:]]


@both_ways
def test_a_batch_holds_whole_blocks_up_to_its_size(db: None, follow: Any) -> None:
    first, second, third = write(2), write(3), write(9)
    reader = Reader()
    assert [follow("r", reader, most=5) for _ in range(3)] == [2, 1, 0]
    assert reader.batches == [[*first, *second], third]


def test_what_was_erased_while_it_was_read_is_read_anew(sealed: list[Entry]) -> None:
    said: list[list[str]] = []

    def read(entries: "QuerySet[Entry]") -> Callable[[], None]:
        people = [entry.person for entry in entries]
        if not said:
            said.append([])
            erase(Entry.objects.filter(pk=sealed[0].pk), ["person"], reason="asked to", who=Who())
        return lambda: said.append(people)

    assert sealed[0].person != ""
    assert (following.take("r", read), said) == (0, [[]])
    assert following.take("r", read) == 2
    assert said[1] == ["", *(entry.person for entry in sealed[1:6])]


@both_ways
def test_what_a_reader_raises_leaves_the_blocks_to_be_read_again(
    sealed: list[Entry], follow: Any
) -> None:
    def fail(entries: "QuerySet[Entry]") -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        follow("r", fail)
    reader = Reader()
    assert follow("r", reader) == 2
    assert reader.batches == [[entry.pk for entry in sealed[:6]]]


def test_what_a_reader_wrote_is_undone_with_the_cursor(sealed: list[Entry]) -> None:
    def write_and_fail() -> None:
        Follower.objects.create(name="by the reader")
        raise ValueError

    with pytest.raises(ValueError):
        following.take("r", lambda entries: write_and_fail)
    assert list(Follower.objects.values_list("name", "block")) == [("r", 0)]


def test_what_a_reader_reckons_keeps_no_other_from_writing(sealed: list[Entry]) -> None:
    def read(entries: "QuerySet[Entry]") -> Callable[[], None]:
        assert len(connection.savepoint_ids) == before
        return lambda: inside.append(len(connection.savepoint_ids))

    before, inside = len(connection.savepoint_ids), []
    assert following.take("r", read) == 2
    assert inside == [before + 1]


def test_whoever_comes_second_writes_nothing(sealed: list[Entry]) -> None:
    first, second = Reader(), Reader()

    def overtaken(entries: "QuerySet[Entry]") -> Callable[[], None]:
        assert following.take("r", first) == 2
        return second(entries)

    assert following.take("r", overtaken) == 0
    assert (first.written, second.written) == ([entry.pk for entry in sealed[:6]], [])


@both_ways
def test_readers_do_not_move_each_other(sealed: list[Entry], follow: Any) -> None:
    assert follow("one", Reader()) == 2
    assert (following.behind("one"), following.behind("other")) == (0, 2)
    assert follow("other", Reader()) == 2


def test_an_entry_that_is_sealed_late_comes_with_its_block(db: None) -> None:
    entries = [record.write("auth.login", "ok").pk for _ in range(5)]
    late = list(Unsealed.objects.filter(entry__in=[entries[1], entries[3]]))
    Unsealed.objects.filter(entry__in=[row.entry for row in late]).delete()
    reader = Reader()
    seal.seal_once()
    following.take("r", reader)
    Unsealed.objects.bulk_create(late)
    seal.seal_once()
    following.take("r", reader)
    assert reader.batches == [[entries[0], entries[2], entries[4]], [entries[1], entries[3]]]


def test_blocks_of_many_pieces_have_just_their_members(db: None) -> None:
    ids = write(400)
    pieces = [one for place, one in enumerate(ids) if place % 3]
    block = Block(members=chain.ranges(pieces))
    assert list(following.entries_of([block]).values_list("id", flat=True)) == pieces


def test_entries_that_retention_took_away_are_left_out(sealed: list[Entry]) -> None:
    reader = Reader()
    block = Block.objects.get(number=1)
    gone = Block(members=f"{block.members},{sealed[-1].pk + 7}-{sealed[-1].pk + 9}")
    reader(following.entries_of([gone]))
    assert reader.batches == [[entry.pk for entry in sealed[:4]]]


def test_a_new_reader_may_begin_at_the_end_and_an_old_one_stays(sealed: list[Entry]) -> None:
    following.start_at_the_end("r")
    seal.seal_once()
    following.start_at_the_end("r")
    reader = Reader()
    assert following.take("r", reader) == 1
    assert reader.batches == [[sealed[-1].pk]]


def test_a_reader_that_starts_again_reads_everything_once_more(sealed: list[Entry]) -> None:
    following.take("r", Reader())
    following.start_again("r")
    reader = Reader()
    assert following.take("r", reader) == 2
    assert reader.batches == [[entry.pk for entry in sealed[:6]]]


def test_how_far_a_reader_is_can_be_told(sealed: list[Entry]) -> None:
    assert (following.behind("r"), following.read_until("r")) == (2, None)
    following.take("r", Reader())
    assert following.behind("r") == 0
    assert following.read_until("r") == Block.objects.get(number=2).sealed_at


def test_what_another_process_delivers_is_not_delivered_twice(sealed: list[Entry]) -> None:
    reader = Reader()
    nested: list[int] = []

    def deliver_while_delivering(entries: "QuerySet[Entry]") -> None:
        nested.append(following.deliver("r", reader))

    assert following.deliver("r", deliver_while_delivering) == 2
    assert (nested, reader.batches) == ([0], [])


def test_what_a_process_that_died_had_is_delivered_after_its_lease(sealed: list[Entry]) -> None:
    following.behind("r")
    leased_until = timezone.now() + timedelta(seconds=60)
    Follower.objects.update(owner="dead", leased_until=leased_until)
    reader = Reader()
    assert following.deliver("r", reader) == 0
    Follower.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert following.deliver("r", reader) == 2
    assert reader.batches == [[entry.pk for entry in sealed[:6]]]


def test_whoever_lost_the_lease_moves_nothing(sealed: list[Entry]) -> None:
    def lose_it(entries: "QuerySet[Entry]") -> None:
        Follower.objects.update(owner="another", block=1)

    following.deliver("r", lose_it)
    assert Follower.objects.values_list("owner", "block").get() == ("another", 1)


def test_two_followers_among_writers_read_everything_once(shared_database: None) -> None:
    done = threading.Event()
    read: list[int] = []

    def reads(entries: "QuerySet[Entry]") -> Callable[[], None]:
        ids = list(entries.values_list("id", flat=True))
        return lambda: read.extend(ids)

    def follow() -> None:
        while not done.is_set() or following.behind("r"):
            try:
                following.take("r", reads, most=7)
            except OperationalError:
                continue

    def write_all() -> None:
        for _ in range(30):
            record.write("auth.login", "ok")
            seal.seal_once()
        done.set()

    assert run_together(follow, follow, write_all) == []
    assert read == list(Entry.objects.order_by("id").values_list("id", flat=True))
    assert len(read) == 30


def test_two_who_deliver_among_writers_deliver_everything_once(shared_database: None) -> None:
    done = threading.Event()
    delivered: list[int] = []

    def follow() -> None:
        while not done.is_set() or following.behind("r"):
            following.deliver("r", lambda entries: delivered.extend(e.pk for e in entries), most=7)

    def write_all() -> None:
        for _ in range(30):
            record.write("auth.login", "ok")
            seal.seal_once()
        done.set()

    assert run_together(follow, follow, write_all) == []
    assert delivered == list(Entry.objects.order_by("id").values_list("id", flat=True))
