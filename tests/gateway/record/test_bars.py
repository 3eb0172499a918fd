"""Steps on a line: in proportion, but for stretches in which everything waits."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.trace import Sort, Step
from gateway.record import bars

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def step(sort: Sort, start: float, end: float | None) -> Step:
    ended = None if end is None else NOON + timedelta(seconds=end)
    return Step(sort, "x", NOON + timedelta(seconds=start), ended)


def drawn(until: float, *steps: Step) -> bars.Drawn:
    return bars.draw(steps, NOON, NOON + timedelta(seconds=until))


def places(found: bars.Drawn) -> list[tuple[float, float]]:
    return [(bar.start, bar.width) for bar in found.bars]


def test_bars_are_in_proportion_and_side_by_side_where_steps_were() -> None:
    found = drawn(10, step(Sort.TURN, 0, 5), step(Sort.CALL, 5, 10), step(Sort.CALL, 5, 7.5))
    assert (places(found), found.is_shortened) == ([(0, 500), (500, 500), (500, 250)], False)


def test_a_long_wait_takes_a_sixth_of_the_line_and_the_rest_stays_in_proportion() -> None:
    found = drawn(
        7210, step(Sort.TURN, 0, 5), step(Sort.WAIT, 5, 7205), step(Sort.CALL, 7205, 7210)
    )
    assert places(found) == [(0, 416.7), (416.7, 166.7), (583.3, 416.7)]
    assert found.is_shortened


def test_while_anything_works_a_wait_is_as_long_as_it_was() -> None:
    found = drawn(100, step(Sort.WAIT, 0, 100), step(Sort.CALL, 0, 100))
    assert (places(found), found.is_shortened) == ([(0, 1000), (0, 1000)], False)


def test_what_took_no_time_is_still_seen_and_stays_on_the_line() -> None:
    found = drawn(10, step(Sort.CALL, 0, 10), step(Sort.REFUSED, 10, 10))
    assert places(found)[1] == (996, 4)


def test_what_goes_on_goes_to_the_end() -> None:
    assert places(drawn(10, step(Sort.TURN, 0, 5), step(Sort.CALL, 5, None)))[1] == (500, 500)


def test_nothing_at_all_is_no_bar() -> None:
    assert drawn(0).bars == ()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.25, "250 ms"),
        (12.34, "12.3 s"),
        (61, "1 min 1 s"),
        (7260, "2 h 1 min"),
        (None, "goes on"),
    ],
)
def test_lengths_are_said_as_people_say_them(seconds: float | None, words: str) -> None:
    assert bars.in_words(None if seconds is None else timedelta(seconds=seconds)) == words
