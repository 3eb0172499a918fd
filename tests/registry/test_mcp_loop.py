"""The loop thread: deadlines, cancelling, forks, and an exit that leaves nothing behind."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from registry.mcp.errors import Cancelled, TimedOut
from registry.mcp.loop import GRACE_SECONDS, LoopThread

REPOSITORY = Path(__file__).parent.parent.parent


async def _value() -> int:
    return 7


async def _stubborn() -> None:
    while True:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            await asyncio.sleep(5)


def test_result_comes_back_to_the_calling_thread() -> None:
    assert LoopThread().run(_value, timeout=1) == 7


def test_no_thread_is_started_before_it_is_needed() -> None:
    loop = LoopThread()
    assert loop.started is False
    loop.run(_value, timeout=1)
    assert loop.started is True


def test_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        LoopThread().run(fail, timeout=1)


def test_work_that_ignores_its_deadline_is_left_behind() -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut):
        LoopThread().run(_stubborn, timeout=0.1 - GRACE_SECONDS)
    assert time.monotonic() - start < 0.8


@pytest.mark.parametrize("how", ["event", "callable"])
def test_stop_ends_the_wait_though_the_work_goes_on(how: str) -> None:
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        LoopThread().run(_stubborn, timeout=9, stop=event if how == "event" else event.is_set)
    assert time.monotonic() - start < 0.05 + 0.4


PROGRAM = """
    import os, sys, time
    from registry.mcp.client import connections
    from registry.mcp.endpoint import Endpoint
    from tests.fakes import bare_child
    from tests.fakes.mcp_server import serve

    def ask(endpoint, tool="family"):
        return connections.call_tool(endpoint, tool, {})["content"][0]["text"]

    child = Endpoint("child", "stdio", argv=bare_child.ARGV)
    with serve() as upstream:
        http = upstream.endpoint()
        connections.call_tool(http, "echo", {"text": "before"})
        before = ask(child)
        pid = os.fork()
        if pid == 0:
            connections.call_tool(http, "echo", {"text": "in the fork"})
            own = ask(child)
            print("fork", own, flush=True)
            sys.exit(0 if own != before else 3)
        _, status = os.waitpid(pid, 0)
        connections.call_tool(http, "echo", {"text": "after"})
        print("calls", [a["text"] for _, a in upstream.calls], flush=True)
        print("parent", before, ask(child, "pid"), os.waitstatus_to_exitcode(status), flush=True)
        print("exit", time.time(), flush=True)
"""


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_fork_after_use_works_and_exit_leaves_no_process() -> None:
    program = textwrap.dedent(PROGRAM)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    ended = time.time()
    said = dict(line.split(" ", 1) for line in ran.stdout.splitlines())
    assert (ran.returncode, ran.stderr) == (0, "")
    assert said["calls"] == "['before', 'in the fork', 'after']"
    before, after, status = said["parent"].split()
    assert (before.split(",")[0], status) == (after, "0")
    pids = [int(pid) for pair in (said["fork"], before) for pid in pair.split(",")]
    assert [pid for pid in pids if _is_alive(pid)] == []
    assert ended - float(said["exit"]) < 3
