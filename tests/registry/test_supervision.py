"""When a command may be started again, and how many at a time."""

import pytest

from registry.mcp.errors import Unreachable
from registry.mcp.supervision import LONGEST_PAUSE, STEADY_SECONDS, Supervisor


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_command_that_keeps_ending_is_started_ever_more_rarely() -> None:
    clock = Clock()
    supervisor = Supervisor(clock)
    pauses = []
    for _ in range(12):
        life = supervisor.admit("time", running=0, most=1)
        supervisor.ended(life)
        pauses.append(life.not_before - clock.now if life.not_before else 0)
        if pauses[-1]:
            clock.now += pauses[-1] - 0.1
            with pytest.raises(Unreachable, match="started again in 0 s") as raised:
                supervisor.admit("time", running=0, most=1)
            assert raised.value.executed == "no"
            supervisor.admit("other", running=0, most=1)
            clock.now += 0.1
    assert pauses == [0, 0, 1, 2, 4, 8, 16, 32, *[LONGEST_PAUSE] * 4]


def test_one_that_ran_well_is_started_at_once() -> None:
    clock = Clock()
    supervisor = Supervisor(clock)
    for _ in range(2):
        supervisor.ended(supervisor.admit("time", running=0, most=1))
    life = supervisor.admit("time", running=0, most=1)
    clock.now += STEADY_SECONDS
    supervisor.ended(life)
    assert life.quick_ends == 0
    supervisor.ended(supervisor.admit("time", running=0, most=1))
    supervisor.admit("time", running=0, most=1)


def test_no_more_run_than_may() -> None:
    with pytest.raises(Unreachable, match="All 2 commands that may run at a time run") as raised:
        Supervisor().admit("time", running=2, most=2)
    assert raised.value.executed == "no"


def test_what_it_said_is_kept_beyond_its_end_and_forgotten_in_a_fork() -> None:
    supervisor = Supervisor()
    life = supervisor.admit("time", running=0, most=1)
    life.said.extend([b"starting", b"\xff"])
    supervisor.ended(life)
    assert (supervisor.said("time"), supervisor.said("other")) == (["starting", "\ufffd"], [])
    supervisor.forget()
    assert supervisor.said("time") == []
