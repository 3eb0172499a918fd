"""What OMNI2 adds: a governed tool call and a whole question, against the direct call, in one run.

    .venv/bin/python benchmarks/overhead.py [--rounds 200]

Starts, each as a process of its own: a real MCP server with an instant tool, an instant fake of the
Messages API, and OMNI2 as it is deployed (gunicorn, ASGI; SQLite in a temporary folder, or the
DATABASE_URL and REDIS_URL of the environment are ignored). The three ways take turns within each
round, so that they share the machine's noise; medians and 95th percentiles are printed, and ratios.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SETUP = """
import sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.cast import assemble, register
from accounts import access
from accounts.models import Rule
cast = assemble(); register(sys.argv[1])
Rule.objects.filter(kind=Rule.Kind.ROLE).update(patterns=["get_time"])
access.publish("benchmark")
print(cast.key(cast.dev))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(child("tests.fakes.mcp_server", "--port", "0"))
        model = stack.enter_context(child("tests.fakes.messages_api", "--port", "0"))
        environment = surroundings(folder, upstream, model)
        key = prepare(environment, upstream)
        base = stack.enter_context(server(environment))
        report(measure(ways(base, key, upstream), rounds))


def surroundings(folder: str, upstream: str, model: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "omni2.settings",
        "OMNI2_DATA_DIR": folder,
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "OMNI2_INTERNAL_ADDRESSES": urlsplit(upstream).netloc,
        "OMNI2_MODEL_PROVIDER": "anthropic",
        "ANTHROPIC_API_KEY": "benchmark",
        "ANTHROPIC_BASE_URL": model,
        "OMNI2_LOG_LEVEL": "ERROR",
    }


@contextmanager
def child(module: str, *arguments: str) -> Iterator[str]:
    """Run a fake and yield the URL it prints."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


def prepare(environment: dict[str, str], upstream: str) -> str:
    made = subprocess.run(
        [sys.executable, "-c", SETUP, upstream],
        env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return made.stdout.split()[-1]


@contextmanager
def server(environment: dict[str, str]) -> Iterator[str]:
    """OMNI2 on a free port, ready."""
    from tests.fakes.mcp_server import listen  # noqa: PLC0415  only for the free port

    with listen() as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    command = [
        str(Path(sys.executable).with_name("gunicorn")), "-k", "asgi", "omni2.asgi",
        "--no-control-socket", "--bind", f"127.0.0.1:{port}", "--log-level", "error",
    ]  # fmt: skip
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
        try:
            wait_until_ready(base)
            yield base
        finally:
            process.terminate()


def wait_until_ready(base: str) -> None:
    for _ in range(200):
        try:
            if requests.get(f"{base}/api/health/ready", timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass
        time.sleep(0.1)
    raise SystemExit("OMNI2 did not become ready.")


def ways(base: str, key: str, upstream: str) -> dict[str, Callable[[], None]]:
    """The three things to time; each checks its answer."""
    from registry.mcp.client import connections  # noqa: PLC0415  loads the SDK
    from registry.mcp.endpoint import Endpoint  # noqa: PLC0415

    address = frozenset({urlsplit(upstream).netloc})
    endpoint = Endpoint(name="direct", transport="http", url=upstream, internal_addresses=address)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    call = {"server": "upstream", "tool": "get_time", "arguments": {}}

    def direct() -> None:
        result = connections.call_tool(endpoint, "get_time", {})
        assert result["content"][0]["text"].startswith("20"), result

    def governed() -> None:
        answer = session.post(f"{base}/api/mcp/tools/call", json=call, timeout=30).json()
        assert answer["text"].startswith("20"), answer

    def question() -> None:
        body = {"question": "What time is it?", "wait": True}
        answer = session.post(f"{base}/api/query", json=body, timeout=30).json()
        assert answer["state"] == "answered" and len(answer["calls"]) == 1, answer

    return {
        "direct tools/call": direct,
        "POST /api/mcp/tools/call": governed,
        "POST /api/query?wait": question,
    }


def measure(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way, taking turns; the first tenth of the rounds only warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + rounds // 10):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if number >= rounds // 10:
                times[name].append((time.perf_counter() - started) * 1000)
    return times


def report(times: dict[str, list[float]]) -> None:
    direct = statistics.median(times["direct tools/call"])
    print(f"{'':28}{'p50 ms':>8}{'p95 ms':>8}{'added':>8}{'ratio':>8}")
    for name, values in times.items():
        middle, late = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        print(f"{name:28}{middle:8.1f}{late:8.1f}{middle - direct:8.1f}{middle / direct:8.1f}")


if __name__ == "__main__":
    main()
