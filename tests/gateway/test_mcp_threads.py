"""The endpoint's threads: the one that was used last is used first, and none is used too often."""

import threading
from concurrent.futures import Future

import pytest

from gateway.mcp_endpoint.threads import LastUsedFirst

SECONDS = 10


class Held:
    """Work that has begun, and ends when it is let go."""

    def __init__(self, pool: LastUsedFirst) -> None:
        self._begun, self._go = threading.Event(), threading.Event()
        self.ended: Future[int] = pool.submit(self._work)

    def _work(self) -> int:
        self._begun.set()
        assert self._go.wait(SECONDS)
        return threading.get_ident()

    def has_begun(self, seconds: float = SECONDS) -> bool:
        return self._begun.wait(seconds)

    def let_go(self) -> int:
        """Its thread, which is idle again."""
        self._go.set()
        return self.ended.result(SECONDS)


@pytest.fixture
def pool() -> LastUsedFirst:
    return LastUsedFirst(2, "test")


def idle(pool: LastUsedFirst, threads: int) -> None:
    """Wait until so many threads have nothing to do: they say how it ended first."""
    waited = threading.Event()
    for _ in range(1000):
        if len(pool._idle) == threads:
            return
        waited.wait(0.01)
    pytest.fail(f"{len(pool._idle)} threads are idle, not {threads}")


def test_the_thread_that_ended_last_is_the_next_to_work(pool: LastUsedFirst) -> None:
    one, other = Held(pool), Held(pool)
    assert one.has_begun() and other.has_begun()
    early = one.let_go()
    idle(pool, 1)
    late = other.let_go()
    idle(pool, 2)
    assert early != late
    for _ in range(3):
        assert pool.submit(threading.get_ident).result(SECONDS) == late
        idle(pool, 2)


def test_whoever_finds_all_threads_at_work_waits_for_the_first_that_ends(
    pool: LastUsedFirst,
) -> None:
    one, other = Held(pool), Held(pool)
    third, fourth = Held(pool), Held(pool)
    assert one.has_begun() and other.has_begun()
    assert not third.has_begun(0.05)
    thread = other.let_go()
    assert third.has_begun()
    assert not fourth.has_begun(0.05)
    assert third.let_go() == thread
    assert fourth.let_go() == thread
    one.let_go()
    idle(pool, 2)


def test_what_went_wrong_is_told_and_the_thread_works_on(pool: LastUsedFirst) -> None:
    def fail() -> None:
        raise ValueError("of the work's own")

    for _ in range(5):
        with pytest.raises(ValueError, match="of the work's own"):
            pool.submit(fail).result(SECONDS)
    assert pool.submit(lambda number: number, number=7).result(SECONDS) == 7


def test_what_is_given_up_while_it_waits_is_not_run(pool: LastUsedFirst) -> None:
    one, other = Held(pool), Held(pool)
    given_up = Held(pool)
    assert given_up.ended.cancel()
    one.let_go(), other.let_go()
    idle(pool, 2)
    assert not given_up.has_begun(0)
