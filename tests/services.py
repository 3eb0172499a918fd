"""PostgreSQL, Redis, Chromium, other MCP clients for one run of the tests: taken or installed.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use as they are. Otherwise private ones
are started from the machine's own binaries, on free ports and in a folder that goes with the run:
no server with somebody's data in it is ever touched. What is not installed is installed from
Debian's packages when we are root, else it is missing, and the caller says so. MCP clients that
run on Node come from npm: in CI always, elsewhere where they are there already.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import node

PACKAGES = {
    "PostgreSQL": ("postgresql",),
    "Redis": ("redis-server",),
    "Chromium": ("chromium", "fonts-dejavu-core"),
    "npm": ("npm",),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Unavailable(Exception):
    """A service could not be had; the text says why."""


@dataclass(frozen=True)
class Services:
    """Where each one is, and why each missing one is missing."""

    database_url: str = ""
    redis_url: str = ""
    chromium: str = ""
    node: str = ""
    missing: tuple[str, ...] = ()


@contextmanager
def running(say: Callable[[str], None]) -> Iterator[Services]:
    """All that could be had, for as long as the block lasts."""
    install_missing(say)
    found: dict[str, str] = {}
    missing: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omni2-tests-")))
        folder.chmod(0o755)
        for name, field, start in (
            ("PostgreSQL", "database_url", postgresql),
            ("Redis", "redis_url", redis),
            ("Chromium", "chromium", chromium),
            ("MCP clients on Node", "node", node_programs),
        ):
            try:
                found[field] = stack.enter_context(start(folder))
                say(f"{name}: {found[field]}")
            except Unavailable as error:
                missing.append(f"{name}: {error}")
        yield Services(**found, missing=tuple(missing))


# --- What is installed ----------------------------------------------------------------------------
def find_postgresql() -> Path | None:
    """The folder with `initdb` and `postgres`: the newest of Debian's, or the one on PATH."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version, default=None)
    path = newest or shutil.which("initdb")
    return Path(path).parent if path else None


def _version(initdb: Path) -> float:
    return float(initdb.parent.parent.name)


def find_browser() -> str:
    """The path of a Chromium, or nothing."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def in_ci() -> bool:
    """Whether what is missing is a failure here."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def install_missing(say: Callable[[str], None]) -> None:
    """Install what is not there with apt-get, when we may; what fails to install stays missing."""
    there = {
        "PostgreSQL": os.environ.get("TEST_DATABASE_URL") or find_postgresql(),
        "Redis": os.environ.get("TEST_REDIS_URL") or shutil.which("redis-server"),
        "Chromium": find_browser(),
        "npm": shutil.which("npm") or not in_ci(),
    }
    packages = [package for name in PACKAGES if not there[name] for package in PACKAGES[name]]
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say(f"Installing from Debian's packages: {' '.join(packages)} …")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            say(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


# --- Private servers ------------------------------------------------------------------------------
@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL server in which the tests may make databases."""
    if named := os.environ.get("TEST_DATABASE_URL"):
        yield named
        return
    binaries = find_postgresql()
    if binaries is None:
        raise Unavailable("not installed, and TEST_DATABASE_URL is not set")
    data, port = folder / "postgresql", free_port()
    data.mkdir()
    user = _drop_root(data)
    trust = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
    _run([*user, str(binaries / "initdb"), f"--pgdata={data}", *trust])
    settings = (
        f"port={port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={data}",
        "fsync=off",
        "full_page_writes=off",
        "max_connections=200",
    )
    options = [part for setting in settings for part in ("-c", setting)]
    with _server([*user, str(binaries / "postgres"), "-D", str(data), *options], signal.SIGINT):
        _until_it_answers([str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)])
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a Redis server that is the tests' own."""
    if named := os.environ.get("TEST_REDIS_URL"):
        yield named
        return
    if not shutil.which("redis-server"):
        raise Unavailable("not installed, and TEST_REDIS_URL is not set")
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    with _server([*command, "--save", "", "--appendonly", "no"], signal.SIGTERM):
        _until_it_answers(["redis-cli", "-h", "127.0.0.1", "-p", str(port), "ping"])
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def chromium(_folder: Path) -> Iterator[str]:
    """The path of the browser; the tests start it themselves."""
    if not (path := find_browser()):
        raise Unavailable("not installed")
    yield path


@contextmanager
def node_programs(_folder: Path) -> Iterator[str]:
    """The folder of the programs from npm."""
    if not (node.installed() or in_ci()):
        raise Unavailable("not installed; `make conformance` does that")
    try:
        node.install(print)
    except node.Unavailable as error:
        raise Unavailable(str(error)) from None
    yield str(node.PROGRAMS)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _drop_root(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the folder to its own user and run as that."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres", "postgres")
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/"
    )
    if done.returncode:
        raise Unavailable(f"{command[0]} failed: {done.stderr[-1000:]}")


@contextmanager
def _server(command: list[str], stop: signal.Signals) -> Iterator[None]:
    child = subprocess.Popen(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(child.pid, stop)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


def _until_it_answers(probe: list[str], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while subprocess.run(probe, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise Unavailable(f"it did not answer within {seconds:.0f} s")
        time.sleep(0.1)
