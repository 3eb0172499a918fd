import time
from email.utils import formatdate

import pytest

from gateway.llm.patience import Patience, asked_to_wait

CALM = Patience(attempts=3, first_wait=1.0, longest_wait=3.0, total_wait=10.0)


@pytest.mark.parametrize(
    ("attempt", "shortest", "longest"), [(2, 0.5, 1.0), (3, 1.0, 2.0)], ids=["second", "third"]
)
def test_waits_double_and_vary(attempt: int, shortest: float, longest: float) -> None:
    waits = [CALM.wait_before(attempt, asked=None, waited=0) for _ in range(200)]
    known = [wait for wait in waits if wait is not None]
    assert len(known) == 200
    assert shortest <= min(known) < max(known) <= longest


def test_no_wait_is_longer_than_the_longest() -> None:
    waits = [Patience(attempts=20).wait_before(15, asked=None, waited=0) or 99 for _ in range(50)]
    assert max(waits) <= 8.0


@pytest.mark.parametrize(
    ("attempt", "asked", "waited", "wait"),
    [
        (2, 4.0, 0.0, 4.0),
        (2, 10.0, 0.0, 10.0),
        (2, 10.5, 0.0, None),
        (3, 4.0, 7.0, None),
        (4, None, 0.0, None),
        (4, 1.0, 0.0, None),
    ],
)
def test_what_is_asked_is_kept_or_given_up(
    attempt: int, asked: float | None, waited: float, wait: float | None
) -> None:
    assert CALM.wait_before(attempt, asked=asked, waited=waited) == wait


def test_asked_for_no_wait_there_still_is_a_little() -> None:
    assert (CALM.wait_before(2, asked=0.0, waited=0.0) or 0) >= 0.25


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({}, None),
    ],
)
def test_the_wait_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers) == seconds


def test_a_moment_is_the_time_until_then() -> None:
    asked = asked_to_wait({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert asked is not None
    assert 58 <= asked <= 60
