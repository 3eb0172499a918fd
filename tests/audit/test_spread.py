"""Work is done once each, in order, whichever process does it; what fails comes in its turn."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection

from audit.spread import Spread


def square(number: int) -> int:
    if number == 13:
        raise ValueError("13")
    return number * number


def where(_: int) -> tuple[int, str]:
    return os.getpid(), str(connection.settings_dict["NAME"])


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_results_come_in_order(processes: int) -> None:
    assert list(Spread(processes)(square, range(12))) == [n * n for n in range(12)]


def test_little_work_is_done_by_this_process_alone() -> None:
    assert {pid for pid, _ in Spread(2)(where, range(2))} == {os.getpid()}


@pytest.mark.slow
def test_other_processes_have_the_same_database() -> None:
    found = list(Spread(2, alone=0)(where, range(4)))
    assert os.getpid() not in {pid for pid, _ in found}
    assert {name for _, name in found} == {str(connection.settings_dict["NAME"])}


@pytest.mark.parametrize("alone", [pytest.param(0, marks=pytest.mark.slow), 20])
def test_a_failure_comes_after_what_was_before_it(alone: int) -> None:
    seen = []
    with pytest.raises(ValueError, match="13"):
        seen.extend(Spread(2, alone=alone)(square, range(12, 16)))
    results = Spread(2, alone=alone)(square, range(11, 16))
    assert [next(results), next(results)] == [121, 144]


def broken() -> Iterator[int]:
    yield from range(3)
    raise RuntimeError("no more")


@pytest.mark.parametrize("alone", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_a_source_that_breaks_is_told_after_its_results(alone: int) -> None:
    seen = []
    with pytest.raises(RuntimeError, match="no more"):
        for result in Spread(2, alone=alone)(square, broken()):
            seen.append(result)
    assert seen == [0, 1, 4]
