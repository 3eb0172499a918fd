"""Large answers wait for one of their server's places, small ones for nothing."""

import asyncio
import threading
import time

import pytest

from registry.mcp import large
from registry.mcp.errors import TimedOut
from registry.mcp.large import IN_ALL, LARGE_BYTES, OF_A_SERVER, Stay

LARGE = LARGE_BYTES + 1


@pytest.fixture(autouse=True)
def _empty_room():
    large.room.clear()
    yield
    large.room.clear()


def fill(number, server="one"):
    """So many large answers that have found a place."""
    stays = [Stay(server) for _ in range(number)]
    assert [stay.fits(LARGE) for stay in stays] == [True] * number
    return stays


def test_two_of_a_server_are_read_at_once_and_small_ones_as_many_as_come():
    fill(OF_A_SERVER)
    assert not Stay("one").fits(LARGE)
    assert all(Stay("one").fits(LARGE_BYTES) for _ in range(20))
    assert Stay("another").fits(LARGE)


def test_eight_are_read_at_once_whosever_they_are():
    first, *_ = [fill(1, f"server {number}")[0] for number in range(IN_ALL)]
    another = Stay("one more")
    assert not another.fits(LARGE)
    first.leave()
    assert another.fits(LARGE)


def test_an_answer_takes_one_place_however_it_grows_and_gives_it_back_once():
    first, _ = fill(2)
    assert first.fits(4 * LARGE)
    first.leave()
    first.leave()
    fill(1)
    assert not Stay("one").fits(LARGE)


def test_the_place_rests_ten_times_as_long_as_reading_took():
    fill(OF_A_SERVER - 1)
    with Stay("one") as stay:
        stay.fits(LARGE)
        with stay.reading():
            time.sleep(0.01)
    # Others have all their places meanwhile.
    assert (Stay("one").fits(LARGE), Stay("another").fits(LARGE)) == (False, True)
    time.sleep(0.15)
    assert Stay("one").fits(LARGE)


def test_a_thread_and_an_event_loop_wait_alike_and_each_as_long_as_it_may():
    first, second = fill(2)

    def look() -> None:
        raise TimedOut("over")

    with pytest.raises(TimedOut):
        Stay("one").wait_to_grow(LARGE, look)

    async def grow() -> None:
        async with asyncio.timeout(0.03):
            await Stay("one").grow_to(LARGE)

    with pytest.raises(TimeoutError):
        asyncio.run(grow())
    threading.Timer(0.02, first.leave).start()
    Stay("one").wait_to_grow(LARGE, lambda: None)
    threading.Timer(0.02, second.leave).start()
    asyncio.run(asyncio.wait_for(Stay("one").grow_to(LARGE), 5))
