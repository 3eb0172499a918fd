"""Writes that wait together are committed together, and each is told of its own alone."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from accounts.models import Role
from audit import at_once, together
from audit.models import Entry, Unsealed
from audit.together import Write
from tests.audit.conftest import entry


def calls() -> list[str]:
    return list(Entry.objects.order_by("call").values_list("call", flat=True))


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many writes each transaction held."""
    sizes: list[int] = []
    carry_out = at_once.carry_out

    def counted(writes: Any) -> None:
        sizes.append(len(writes))
        carry_out(writes)

    monkeypatch.setattr(at_once, "carry_out", counted)
    yield sizes


def commit_together(
    writes: list[Write], monkeypatch: pytest.MonkeyPatch
) -> list[BaseException | None]:
    """Commit the first; all others come while that is written. What each ends with."""
    ends: list[BaseException | None] = [None] * len(writes)
    first_is_written, go_on = threading.Event(), threading.Event()
    commit_all = together._commit_all

    def held_up(batch: Any) -> None:
        first_is_written.set()
        go_on.wait(5)
        commit_all(batch)

    def work(number: int) -> None:
        try:
            together.commit(writes[number])
        except BaseException as error:
            ends[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(writes))]
    with monkeypatch.context() as patched:
        patched.setattr(together, "_commit_all", held_up)
        threads[0].start()
        assert first_is_written.wait(5)
        for thread in threads[1:]:
            thread.start()
        _until(lambda: len(together._queue._waiting) == len(writes) - 1)
    go_on.set()
    for thread in threads:
        thread.join(5)
    return ends


def _until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(500):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")


@pytest.mark.django_db(transaction=True)
def test_those_who_wait_are_written_in_one_transaction(
    transactions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = commit_together([Write([entry(n)]) for n in range(6)], monkeypatch)

    assert (ends, transactions) == ([None] * 6, [1, 5])
    assert calls() == [str(n) for n in range(6)]
    digests = dict(Entry.objects.values_list("pk", "digest"))
    assert dict(Unsealed.objects.values_list("entry", "digest")) == digests


@pytest.mark.django_db(transaction=True)
def test_no_more_than_may_are_written_at_once(
    transactions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST", 2)
    assert commit_together([Write([entry(n)]) for n in range(6)], monkeypatch) == [None] * 6
    assert transactions == [1, 2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_a_write_that_cannot_be_made_fails_alone(
    transactions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Role.objects.create(name="taken").pk + 1
    writes = [Write([entry(n)], added=[Role(pk=free + n, name=f"role {n}")]) for n in range(4)]
    writes[2] = Write([entry(2)], added=[Role(pk=free + 2, name="taken")])
    ends = commit_together(writes, monkeypatch)

    assert [type(end) for end in ends] == [type(None), type(None), IntegrityError, type(None)]
    assert transactions == [1, 3, 1, 1, 1]
    assert calls() == ["0", "1", "3"]
    names = Role.objects.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["taken", "role 0", "role 1", "role 3"]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_gone_fails_its_own_write(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, gone = Role.objects.create(name="kept"), Role.objects.create(name="gone")
    Role.objects.filter(pk=gone.pk).delete()
    kept.display_name = gone.display_name = "changed"
    writes = [Write([entry(n)]) for n in range(3)]
    writes[1] = Write([entry(1)], changed=[(gone, ("display_name",))])
    writes[2] = Write([entry(2)], changed=[(kept, ("display_name",))])
    ends = commit_together(writes, monkeypatch)

    assert [type(end) for end in ends] == [type(None), DatabaseError, type(None)]
    assert calls() == ["0", "2"]
    assert list(Role.objects.filter(name="kept").values_list("display_name")) == [("changed",)]


@pytest.mark.django_db(transaction=True)
def test_where_the_database_fails_nobody_is_told_that_it_did_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(writes: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(at_once, "carry_out", fail)
    ends = commit_together([Write([entry(n)]) for n in range(4)], monkeypatch)

    assert [(type(end), str(end)) for end in ends] == [(OperationalError, "database is locked")] * 4
    assert len({id(end) for end in ends}) == 4
    assert calls() == []


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_is_told_to_end_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:

        def end(writes: Any) -> None:
            raise KeyboardInterrupt

        patched.setattr(at_once, "carry_out", end)
        with pytest.raises(KeyboardInterrupt):
            together.commit(Write([entry(1)]))
    together.commit(Write([entry(2)]))
    assert calls() == ["2"]


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_a_write_is_part_of_it() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        together.commit(Write([entry(1)]))
        assert calls() == ["1"]
        raise ZeroDivisionError
    assert calls() == []


@pytest.mark.django_db(transaction=True)
def test_a_forked_process_does_not_wait_for_its_parents_threads() -> None:
    before = together._queue
    before._is_written = True
    connection.close()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if together._queue is not before else 1)
    before._is_written = False
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.django_db(transaction=True)
def test_where_many_wait_the_later_ones_give_their_connection_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gave_back: list[int] = []
    monkeypatch.setattr(together, "close_old_connections", lambda: gave_back.append(1))
    monkeypatch.setattr(together, "FEW", 2)
    assert (
        commit_together([Write([entry(number)]) for number in range(6)], monkeypatch) == [None] * 6
    )
    # Five waited for the first, and two of them may keep theirs.
    assert len(gave_back) == 3
