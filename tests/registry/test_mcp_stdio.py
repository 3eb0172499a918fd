"""Servers as children: started, asked, killed, started again."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.mcp import stdio
from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, TimedOut, TooLarge, Unreachable
from tests.fakes import bare_child


@pytest.fixture
def child(tmp_path: Path) -> Callable[..., Endpoint]:
    """An endpoint that starts the script."""

    def make(**changes: Any) -> Endpoint:
        settings = {"argv": bare_child.ARGV, "cwd": str(tmp_path), **changes}
        return Endpoint("child", "stdio", **settings)

    return make


def text_of(client: Connections, endpoint: Endpoint, tool: str) -> str:
    return str(client.call_tool(endpoint, tool, {}, timeout=5)["content"][0]["text"])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, seconds: float = 3) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def dead(pid: int) -> bool:
    """Wait until the process has ended, though nobody may have read its end."""
    state = Path(f"/proc/{pid}/stat")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
    return False


Make = Callable[..., Endpoint]


def test_one_child_answers_all_calls(client: Connections, child: Make) -> None:
    assert len({text_of(client, child(), "pid") for _ in range(3)}) == 1


def test_killed_child_is_started_again_at_the_next_call(client: Connections, child: Make) -> None:
    first = int(text_of(client, child(), "pid"))
    os.kill(first, signal.SIGKILL)
    assert dead(first)
    second = int(text_of(client, child(), "pid"))
    assert (second != first, is_alive(second)) == (True, True)


def test_child_that_dies_in_a_call_leaves_it_unknown(client: Connections, child: Make) -> None:
    with pytest.raises(Unreachable) as caught:
        client.call_tool(child(), "die", {})
    assert caught.value.executed == "unknown"
    assert caught.value.message == "The server's process ended."
    assert caught.value.detail == "the last words"
    assert text_of(client, child(), "chatter") == "fine"


def test_child_leads_its_own_group_and_ends_with_its_connection(
    client: Connections, child: Make
) -> None:
    pid = int(text_of(client, child(), "pid"))
    assert os.getpgid(pid) == pid
    client.close("child")
    assert gone(pid)


def test_changed_command_ends_the_old_child(client: Connections, child: Make) -> None:
    pid = int(text_of(client, child(), "pid"))
    text_of(client, child(env={"A": "b"}), "pid")
    assert gone(pid)


def test_environment_is_minimal(
    client: Connections, child: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for children")
    environment = text_of(client, child(env={"MY_TOKEN": "for this one"}), "environment")
    assert '"MY_TOKEN": "for this one"' in environment
    assert "SECRET_KEY" not in environment


def test_working_directory_is_the_endpoints(
    client: Connections, child: Make, tmp_path: Path
) -> None:
    assert text_of(client, child(), "cwd") == str(tmp_path)


@pytest.mark.parametrize("tool", ["chatter", "noise"])
def test_chatter_on_its_streams_does_no_harm(client: Connections, child: Make, tool: str) -> None:
    assert text_of(client, child(), tool) == "fine"


def test_bad_answer_fails_its_call_alone(client: Connections, child: Make) -> None:
    pid = text_of(client, child(), "pid")
    with pytest.raises(BadAnswer) as caught:
        client.call_tool(child(), "nan", {})
    assert "NaN" in caught.value.message
    assert text_of(client, child(), "pid") == pid


def test_lone_surrogate_becomes_the_replacement_character(client: Connections, child: Make) -> None:
    assert client.call_tool(child(), "surrogate", {})["t"] == "\ufffd"


BEYOND_REPAIR = {"deep": BadAnswer, "endless": TooLarge}


@pytest.mark.parametrize(("tool", "error"), BEYOND_REPAIR.items())
def test_stream_beyond_repair_ends_the_child(
    client: Connections, child: Make, tool: str, error: type[Exception]
) -> None:
    pid = int(text_of(client, child(), "pid"))
    with pytest.raises(error):
        client.call_tool(child(), tool, {}, timeout=5)
    assert gone(pid)
    assert text_of(client, child(), "chatter") == "fine"


def test_silent_call_ends_in_time_and_the_child_lives(client: Connections, child: Make) -> None:
    pid = text_of(client, child(), "pid")
    with pytest.raises(TimedOut) as caught:
        client.call_tool(child(), "no such branch", {}, timeout=0.2)
    assert caught.value.executed == "unknown"
    assert text_of(client, child(), "pid") == pid


COMMANDS = {
    "missing": ("/no/such/command",),
    "ends at once": (sys.executable, "-S", "-c", "raise SystemExit('no licence')"),
    "empty": (),
}


@pytest.mark.parametrize("argv", COMMANDS.values(), ids=COMMANDS.keys())
def test_command_that_does_not_start_is_unreachable(
    client: Connections, child: Make, argv: tuple[str, ...]
) -> None:
    start = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        client.list_tools(child(argv=argv))
    assert caught.value.executed == "no"
    assert time.monotonic() - start < 2


def test_command_that_never_speaks_ends_at_the_connect_timeout(
    client: Connections, child: Make
) -> None:
    argv = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        client.list_tools(child(argv=argv, connect_timeout=0.3))
    assert time.monotonic() - start < 1
    assert caught.value.executed == "no"


def test_a_command_nobody_wants_ends_until_somebody_does(client: Connections, child: Make) -> None:
    idle = child(idle_seconds=0.1)
    first = int(text_of(client, idle, "pid"))
    client.ping(idle)
    assert gone(first)
    assert client.ping(idle) == 0
    assert int(text_of(client, idle, "pid")) != first


def test_no_more_commands_run_than_may(client: Connections, child: Make) -> None:
    running = len(stdio._children)
    text_of(client, child(most_children=running + 1), "pid")
    with pytest.raises(Unreachable, match="commands that may run at a time") as caught:
        client.list_tools(Endpoint("two", "stdio", argv=bare_child.ARGV, most_children=running + 1))
    assert caught.value.executed == "no"
    client.close("child")
    text_of(client, Endpoint("two", "stdio", argv=bare_child.ARGV), "pid")


def test_one_that_keeps_dying_is_left_alone_for_a_while(client: Connections, child: Make) -> None:
    for _ in range(3):
        with pytest.raises(Unreachable, match=r"process ended"):
            client.call_tool(child(), "die", {})
    with pytest.raises(Unreachable, match="ended 3 times soon after its start") as caught:
        client.call_tool(child(), "pid", {})
    assert caught.value.executed == "no"
    assert client.last_said("child")[-1] == "the last words"


def test_restarts_leave_nothing_behind(client: Connections, child: Make) -> None:
    def held() -> tuple[int, int, int]:
        return len(os.listdir("/proc/self/fd")), len(stdio._children), threading.active_count()

    text_of(client, child(), "pid")
    client.close("child")
    before = held()
    for _ in range(5):
        pid = int(text_of(client, child(), "pid"))
        client.close("child")
        assert gone(pid)
    # What earlier tests left to be collected may go meanwhile.
    assert all(now <= then for now, then in zip(held(), before, strict=True))
