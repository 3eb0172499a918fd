"""`make conformance`: the suite against our endpoint in both generations, and with our client.

Fails where anything fails that `expected-*.yml` does not name with its reason, where something
passes that is named there, and where less was checked than there is to check.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omni2.demo.surroundings import without_settings
from tests.node import conformance_command

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
REVISIONS = ("2025-11-25", "2026-07-28")
# How many checks must pass at least; the suite itself knows no such bar.
BARS = {
    "endpoint, 2025-11-25": 60,
    "endpoint, 2026-07-28": 145,
    "client, 2025-11-25": 250,
    "client, 2026-07-28": 240,
}


def main() -> int:
    """The exit status: 0 when all of it went as it must."""
    command = conformance_command(print)
    with tempfile.TemporaryDirectory(prefix="omni2-conformance-") as folder:
        environment = without_settings(os.environ) | {"OMNI2_DATA_DIR": folder}
        with (
            served("tests.fakes.conformance_server", environment) as fixture,
            served("tests.conformance.endpoint", environment, fixture) as url,
        ):
            ends = [against_endpoint(command, url, revision) for revision in REVISIONS]
        ends += [with_client(command, environment, revision) for revision in REVISIONS]
    return 0 if all(ends) else 1


@contextmanager
def served(module: str, environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """Run a module that prints its URL and serves; the URL."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        url = next((line for line in child.stdout if line.startswith("http")), "")
        if not url:
            raise SystemExit(f"{module} did not start")
        yield url.strip()
    finally:
        child.terminate()
        child.wait(20)


def against_endpoint(command: list[str], url: str, revision: str) -> bool:
    """Whether our endpoint does what this revision requires."""
    options = ["server", "--url", url, "--requirements", revision]
    return ran(command, options, f"endpoint, {revision}", expected=f"expected-{revision}.yml")


def with_client(command: list[str], environment: dict[str, str], revision: str) -> bool:
    """Whether our client does what the suite's servers expect of one."""
    ours = f"{sys.executable} -m tests.conformance.client"
    options = ["client", "--command", ours, "--suite", "core", "--spec-version", revision]
    options += ["--timeout", "180000"]
    name, expected = f"client, {revision}", f"expected-{revision}.yml"
    return ran(command, options, name, expected=expected, environment=environment)


def ran(
    command: list[str],
    options: list[str],
    name: str,
    *,
    expected: str,
    environment: dict[str, str] | None = None,
) -> bool:
    """Run the suite once, show how it ended, and judge it."""
    with tempfile.TemporaryDirectory(prefix="omni2-conformance-") as results:
        baseline = ["--expected-failures", str(HERE / expected)]
        done = subprocess.run(
            [*command, *options, *baseline, "-o", results],
            cwd=ROOT,
            env=environment or os.environ.copy(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        passed, failed = counted(Path(results))
    ok = done.returncode == 0 and passed >= BARS[name]
    print(done.stdout[-6000:] if not ok or "-v" in sys.argv else summary(done.stdout))
    print(f"{'ok    ' if ok else 'FAILED'} {name}: {passed} checks passed, {failed} failed")
    return ok


def counted(results: Path) -> tuple[int, int]:
    """How many checks passed and failed; those of extensions are run, and count for neither."""
    checks = [
        check["status"]
        for file in results.rglob("checks.json")
        if not file.parent.name.startswith("server-tasks-")
        for check in json.loads(file.read_text())
    ]
    return checks.count("SUCCESS"), checks.count("FAILURE")


def summary(output: str) -> str:
    """The lines that say how scenarios ended."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return "\n".join(
        line for line in plain.splitlines() if re.match(r"\s*(✓|✗|Total|Result)", line)
    )


if __name__ == "__main__":
    sys.exit(main())
