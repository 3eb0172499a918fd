"""Programs from npm that a run may use: installed once, by `npm ci`, from a lock with digests.

They want a newer Node than many machines have, so Node itself is one of the packages. What npm is
not there for is missing, and the caller says so.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "node"
FOLDER = ROOT / ".node"
PROGRAMS = FOLDER / "node_modules" / ".bin"


class Unavailable(Exception):
    """npm's packages could not be had; the text says why."""


def installed() -> bool:
    """Whether the packages are there as the lock has them."""
    stamp = FOLDER / "stamp"
    return stamp.exists() and stamp.read_text() == _wanted()


def install(say: Callable[[str], None]) -> None:
    """Install the packages unless they are there. Raises Unavailable."""
    if installed():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    say("Installing from npm: the conformance suite and other MCP clients …")
    FOLDER.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCK / name, FOLDER / name)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"],
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Unavailable(f"npm ci failed: {done.stderr[-1000:]}")
    (FOLDER / "stamp").write_text(_wanted())


def program(name: str) -> list[str]:
    """The command line of one of the programs, run by the Node that came along."""
    return [str(PROGRAMS / "node"), str(PROGRAMS / name)]


def conformance_command(say: Callable[[str], None]) -> list[str]:
    """The command line of the conformance suite. Raises Unavailable."""
    install(say)
    return program("conformance")


def _wanted() -> str:
    return hashlib.sha256((LOCK / "package-lock.json").read_bytes()).hexdigest()
