"""Counters: one contract, kept by the database and by Redis alike. Their own clocks judge."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.counters import SLOTS, Count, Rate, live, reckon, slot_of
from accounts.counters.redis import RedisStore
from accounts.counters.sql import SqlStore
from accounts.models import Counter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["sql", pytest.param("redis", marks=pytest.mark.redis)])
def store(request):
    if request.param == "sql":
        return SqlStore()
    return RedisStore(settings.REDIS_URL)


def rate(limit: int, seconds: float = 3600.0) -> Rate:
    """A rate nobody has counted for yet."""
    return Rate(str(uuid4()), limit, seconds)


def hits(store, wanted: Rate, times: int) -> list[bool]:
    return [store.count([wanted], add=True)[0] for _ in range(times)]


def test_as_many_as_the_limit_are_let_through_and_not_one_more(store):
    wanted = rate(3)
    assert hits(store, wanted, 5) == [True, True, True, False, False]


def test_looking_counts_nothing(store):
    wanted = rate(2)
    hits(store, wanted, 1)

    seen = [store.count([wanted], add=False) for _ in range(3)]

    assert [(admitted, counts[0].used) for admitted, counts in seen] == [(True, 1)] * 3


def test_what_nobody_has_counted_stands_at_nothing(store):
    assert store.count([rate(1)], add=False) == (True, [Count(0, 0.0)])


def test_of_several_rates_all_are_counted_or_none(store):
    wide, narrow = rate(5), rate(1)

    assert [store.count([wide, narrow], add=True)[0] for _ in range(3)] == [True, False, False]

    counts = store.count([wide, narrow], add=False)[1]
    assert [count.used for count in counts] == [1, 1]


def test_names_and_windows_are_counted_apart(store):
    wanted = rate(1)
    hits(store, wanted, 1)

    assert hits(store, rate(1), 1) == [True]
    assert hits(store, Rate(wanted.name, 1, 60.0), 1) == [True]
    assert hits(store, wanted, 1) == [False]


def test_reset_is_when_one_more_fits_to_a_slot(store):
    wanted = rate(2)
    hits(store, wanted, 2)

    _, [count] = store.count([wanted], add=True)

    assert count.used == 2
    assert 3600 - 1 <= count.reset_seconds <= 3600 + wanted.slot_seconds


def test_after_the_window_there_is_room_again_and_not_before(store):
    wanted = rate(2, seconds=0.3)
    began = time.monotonic()
    hits(store, wanted, 2)
    while not hits(store, wanted, 1)[0]:
        assert time.monotonic() - began < 2, "the window never ends"
        time.sleep(0.01)

    assert time.monotonic() - began >= 0.3


def test_no_window_ever_holds_more_than_the_limit(store):
    wanted, admitted = rate(3, seconds=0.1), []
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        before = time.monotonic()
        if hits(store, wanted, 1)[0]:
            admitted.append((before, time.monotonic()))

    # Each came after its `before` and before its `after`: too close only if it must have been.
    pairs = zip(admitted, admitted[3:], strict=False)
    assert len(admitted) > 6
    assert [later - earlier for (earlier, _), (_, later) in pairs if later - earlier < 0.1] == []


def test_sixty_four_at_once_are_let_through_exactly_up_to_the_limit(store):
    wanted = rate(10)

    def one(_) -> bool:
        try:
            return hits(store, wanted, 1)[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(one, range(64))) == 10


def test_a_lowered_limit_says_when_enough_will_have_left():
    wanted = Rate("x", 2, 60.0)
    slots = {100: 2, 110: 1, 130: 1}

    assert reckon(slots, wanted, 130.0) == Count(4, 110 + SLOTS + 1 - 130.0)
    assert live(slots, wanted, now=100.0 + SLOTS + 1) == {110: 1, 130: 1}
    assert slot_of(wanted, 130.9) == 130


def test_a_counter_of_the_database_goes_back_with_its_transaction():
    wanted = rate(1)
    with transaction.atomic():
        hits(SqlStore(), wanted, 1)
        transaction.set_rollback(True)

    assert not Counter.objects.filter(name=wanted.key).exists()
    assert hits(SqlStore(), wanted, 2) == [True, False]


def test_old_slots_are_forgotten():
    wanted = rate(5)
    hits(SqlStore(), wanted, 1)
    Counter.objects.filter(name=wanted.key).update(slots={"1": 4, "2": 5})

    hits(SqlStore(), wanted, 1)

    assert list(Counter.objects.get(name=wanted.key).slots.values()) == [1]
