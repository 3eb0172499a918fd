"""Everything that must hold, in one run: `make test`. Checks first, then the suite on both stores.

What needs no database runs once; the rest embedded (SQLite, no services), then on PostgreSQL with
Redis. What is delivered (environments, demo, image) and the browser have runs of their own. A
service that is missing leaves out what needs it, visibly; with CI set it is a failure. The exit
status is 1 when any step failed, and pytest's own closing line comes last. `--checks` ends after
the checks.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from omni2.demo.surroundings import without_settings  # noqa: E402  the path must be set first
from tests import services  # noqa: E402  the path must be set first

APPS = ("omni2", "gateway", "registry", "accounts", "audit", "slackapp")
CHECKS = {
    "formatting": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "floors and contracts": ("lint-imports",),
    "types": ("mypy", *APPS),
    "system checks": ("python", "manage.py", "check", "--fail-level", "WARNING"),
    "migrations": ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
}
# Environments, the demo, the image: no part of the product's own suite, and they take their time.
DELIVERY = tuple(f"tests/omni2/test_{name}.py" for name in ("demo", "docker", "environment"))


@dataclass(frozen=True)
class Step:
    """One thing that was tried, and how it ended."""

    name: str
    ok: bool
    seconds: float
    output: str = ""


def say(text: str) -> None:
    """Show a line at once, in order with what child processes print."""
    print(text, flush=True)


def check(name: str, command: tuple[str, ...], environment: dict[str, str]) -> Step:
    """Run one check quietly and say how it ended; the whole output when it failed."""
    started = time.monotonic()
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    step = Step(name, done.returncode == 0, time.monotonic() - started, done.stdout)
    say(f"{'ok    ' if step.ok else 'FAILED'} {name} ({step.seconds:.1f} s)")
    if not step.ok:
        say(step.output)
    return step


def run_checks(environment: dict[str, str]) -> list[Step]:
    """All checks, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check, name, command, environment) for name, command in CHECKS.items()]
        return [job.result() for job in jobs]


def run_suite(name: str, options: list[str], environment: dict[str, str]) -> Step:
    """Run pytest in sight of everybody."""
    say(f"\n=== The suite, {name}: pytest {' '.join(options)}")
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    return Step(f"the suite, {name}", done.returncode == 0, time.monotonic() - started)


def run_suites(environment: dict[str, str], found: services.Services) -> list[Step]:
    """What is delivered, the browser, what needs no database, and the rest on both databases."""
    apart = [f"--ignore={path}" for path in DELIVERY]
    plain = "not browser and not deployed and not postgres and not redis"
    deployed = "(browser or deployed) and not redis" if found.chromium else "deployed and not redis"
    steps = [
        run_suite("of what is delivered", list(DELIVERY), environment),
        run_suite("as deployed, in a browser", ["-m", deployed, *apart], environment),
        run_suite("without a database", ["-m", f"not database and {plain}", *apart], environment),
        run_suite("embedded", ["-m", f"database and {plain}", *apart], environment),
    ]
    if found.database_url and found.redis_url:
        addresses = {"DATABASE_URL": found.database_url, "REDIS_URL": found.redis_url}
        scaled = [
            "-m",
            "not browser and not sqlite and (database or deployed or postgres or redis)",
            *apart,
        ]
        steps.append(run_suite("on PostgreSQL and Redis", scaled, environment | addresses))
    return steps


def surroundings(folder: str, found: services.Services) -> dict[str, str]:
    """The environment of every step: no setting of a deployment, and a data folder of its own."""
    ours = without_settings(os.environ)
    # Every process of the tests would compile all it imports anew: 6 s of CPU each.
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return ours | {
        "OMNI2_ENV_FILE": os.devnull,
        "OMNI2_DATA_DIR": folder,
        "OMNI2_TEST_CHROMIUM": found.chromium,
    }


def run_everything(folder: str) -> list[Step]:
    """Checks, then both suites; what is missing counts as a step that fails with CI set."""
    with services.running(say) as found:
        for reason in found.missing:
            say(f"MISSING {reason}; the tests that need it are left out")
        missing = [Step(reason, ok=not services.in_ci(), seconds=0) for reason in found.missing]
        environment = surroundings(folder, found)
        return missing + run_checks(environment) + run_suites(environment, found)


def main(arguments: list[str]) -> int:
    """Run it; 0 only when nothing failed and, with CI set, nothing was missing."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="omni2-data-") as folder:
        if arguments == ["--checks"]:
            steps = run_checks(surroundings(folder, services.Services()))
        else:
            steps = run_everything(folder)
    failed = [step.name for step in steps if not step.ok]
    if failed:
        say(f"\nFAILED after {time.monotonic() - started:.0f} s: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
