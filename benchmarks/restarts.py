"""What is left behind when a stdio server is started and ended many times, or its child is killed.

    .venv/bin/python benchmarks/restarts.py [--times 1000]

Every third child is killed from outside, every third in the middle of a call, the others are ended
by us. File descriptors, threads, child processes and memory are counted ten times on the way; exit
1 when one of the first three has grown, or when the memory of the second half has grown by more
than 2 MB: what is left behind by each restart would show there, and what is loaded once does not.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from registry.mcp.client import Connections  # noqa: E402  the path must be set first
from registry.mcp.endpoint import Endpoint  # noqa: E402  the path must be set first
from registry.mcp.errors import UpstreamError  # noqa: E402  the path must be set first
from tests.fakes import bare_child  # noqa: E402  the path must be set first

WARM_UP = 20
MOST_GROWTH_MB = 2.0
LOOKS = 10


def held() -> dict[str, float]:
    """What this process holds now."""
    status = Path("/proc/self/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {
        "file descriptors": len(os.listdir("/proc/self/fd")),
        "threads": int(lines["Threads"]),
        "child processes": sum(len(one.read_text().split()) for one in children),
        "memory, MB": int(lines["VmRSS"].split()[0]) / 1024,
    }


def restart(client: Connections, endpoint: Endpoint, *, number: int) -> None:
    """Start the child, ask it something, and have it end: in one of three ways, by its number."""
    pid = int(client.call_tool(endpoint, "pid", {}, timeout=10)["content"][0]["text"])
    if number % 3:
        from registry.mcp import stdio  # noqa: PLC0415  loads the MCP SDK, which the first call did

        with killed_soon(pid, in_a_call=number % 3 == 2):
            if number % 3 == 2:
                with suppress(UpstreamError):
                    client.call_tool(endpoint, "hang", {}, timeout=10)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.001)
        # A child that keeps ending would be left alone for a while.
        stdio.supervisor.forget()
    client.close(endpoint.name)


@contextmanager
def killed_soon(pid: int, *, in_a_call: bool) -> Iterator[None]:
    """Kill the child: at once, or shortly after the block has begun."""
    if not in_a_call:
        os.kill(pid, signal.SIGKILL)
        yield
        return
    timer = threading.Timer(0.01, os.kill, (pid, signal.SIGKILL))
    timer.start()
    yield
    timer.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    times = parser.parse_args().times
    client, endpoint = Connections(), Endpoint("child", "stdio", argv=bare_child.ARGV)
    for number in range(WARM_UP):
        restart(client, endpoint, number=number)
    looks, started = [held()], time.monotonic()
    print("restarts  " + "  ".join(looks[0]))
    for part in range(LOOKS):
        for number in range(times // LOOKS):
            restart(client, endpoint, number=number)
        looks.append(held())
        row = "  ".join(f"{value:{len(name)}.1f}" for name, value in looks[-1].items())
        print(f"{(part + 1) * (times // LOOKS):8}  {row}", flush=True)
    seconds = time.monotonic() - started
    print(f"{times} restarts in {seconds:.1f} s, {1000 * seconds / times:.1f} ms each")
    client.close_all()
    grown = looks[-1]["memory, MB"] - looks[LOOKS // 2]["memory, MB"]
    same = all(looks[0][one] == looks[-1][one] for one in looks[0] if one != "memory, MB")
    return 0 if same and grown < MOST_GROWTH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
