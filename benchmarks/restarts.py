"""What is left behind when a stdio server is started and ended many times, or its child is killed.

    .venv/bin/python benchmarks/restarts.py [--times 1000]

Every second child is killed from outside, the others are ended by us. File descriptors, threads,
child processes and memory are counted before and after; exit 1 when one of them has grown.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from registry.mcp.client import Connections  # noqa: E402  the path must be set first
from registry.mcp.endpoint import Endpoint  # noqa: E402  the path must be set first
from tests.fakes import bare_child  # noqa: E402  the path must be set first

WARM_UP = 20
MOST_GROWTH_MB = 50.0


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


def restart(client: Connections, endpoint: Endpoint, *, killed: bool) -> None:
    """Start the child, ask it something, and have it end."""
    pid = int(client.call_tool(endpoint, "pid", {}, timeout=10)["content"][0]["text"])
    if killed:
        from registry.mcp import stdio  # noqa: PLC0415  loads the MCP SDK, which the first call did

        os.kill(pid, signal.SIGKILL)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.001)
        # A child that keeps ending would be left alone for a while.
        stdio.supervisor.forget()
    client.close(endpoint.name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    times = parser.parse_args().times
    client, endpoint = Connections(), Endpoint("child", "stdio", argv=bare_child.ARGV)
    for number in range(WARM_UP):
        restart(client, endpoint, killed=number % 2 == 0)
    before, started = held(), time.monotonic()
    for number in range(times):
        restart(client, endpoint, killed=number % 2 == 0)
    seconds, after = time.monotonic() - started, held()
    print(f"{times} restarts in {seconds:.1f} s, {1000 * seconds / times:.1f} ms each")
    for name, value in before.items():
        print(f"{name}: {value:.0f} before, {after[name]:.0f} after")
    client.close_all()
    same = all(before[one] == after[one] for one in before if one != "memory, MB")
    return 0 if same and after["memory, MB"] - before["memory, MB"] < MOST_GROWTH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
