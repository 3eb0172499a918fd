#!/usr/bin/env python3
"""Make virtual environments from hashed locks, side by side, or make the locks.

`environment.py FOLDER=LOCK[,LOCK…] …` or `environment.py --lock [--upgrade]`.

Needs nothing but Python 3.11. uv does the work when it is on PATH or can be had from the package
index; else pip does. An environment whose stamp names one of its locks as it is now is left alone:
the first lock is what gets installed, the others are as good (the tests' lock holds the product's).
"""

# An old Python must get as far as the sentence that says it is too old.
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN_UV = ROOT / ".uv"
OLDEST_PYTHON = (3, 11)
BIN = "Scripts" if os.name == "nt" else "bin"


class Failed(Exception):
    """A step did not work; the text says which, and what its tool said."""


def say(text: str) -> None:
    """Show a step at once, also through a pipe."""
    print(text, flush=True)


def run(step: str, *command: str | Path) -> None:
    """Run a command quietly; raises Failed with the end of its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise Failed(f"{step} failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))


def find_uv() -> str | None:
    """The path of uv: from PATH, or installed under .uv by this Python's pip, or None."""
    own, found = OWN_UV / BIN / "uv", shutil.which("uv")
    if found:
        return found
    if not own.exists():
        say("uv: fetching it, since it is not on PATH …")
        lock = ROOT / "requirements" / "uv.txt"
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        try:
            run("Installing uv", *pip, "--require-hashes", "--target", OWN_UV, "-r", lock)
        except Failed as error:
            say(f"uv: cannot be had, pip does its work (slower).\n{error}")
            return None
    return str(own)


def stamp_of(lock: Path) -> str:
    """What an environment made from this lock as it is now is stamped with."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{python} {hashlib.sha256(lock.read_bytes()).hexdigest()}"


def is_ready(folder: Path, locks: list[Path]) -> bool:
    """Whether the environment is whole and made from one of the locks."""
    stamp = folder / "lock.stamp"
    if not (stamp.exists() and (folder / BIN / "python").exists()):
        return False
    return stamp.read_text() in {stamp_of(lock) for lock in locks}


def make(folder: Path, lock: Path, uv: str | None) -> None:
    """Make the environment anew from the lock; stamped last, so that half of one never counts."""
    (folder / "lock.stamp").unlink(missing_ok=True)
    python = folder / BIN / "python"
    if uv:
        run(
            f"Making {folder}",
            uv,
            "venv",
            "--clear",
            "--no-project",
            "--python",
            sys.executable,
            folder,
        )
        sync = (uv, "pip", "sync", "--require-hashes", "--python", python, lock)
        run(f"Installing {lock}", *sync)
    else:
        run(
            f"Making {folder} (on Debian it needs python3-venv)",
            sys.executable,
            "-m",
            "venv",
            "--clear",
            folder,
        )
        install = (
            python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--require-hashes",
        )
        run(f"Installing {lock}", *install, "--no-deps", "-r", lock)
    (folder / "lock.stamp").write_text(stamp_of(lock))


def prepare(folder: Path, lock: Path, uv: str | None) -> None:
    """Make one environment and say how long it took; falls back to pip when uv fails."""
    started = time.monotonic()
    name, count = os.path.relpath(folder, ROOT), lock.read_text().count("==")
    say(f"{name}: installing {count} packages with {'uv' if uv else 'pip'} …")
    try:
        make(folder, lock, uv)
    except Failed as error:
        if not uv:
            raise
        say(f"{name}: {error}\n{name}: trying again with pip …")
        make(folder, lock, None)
    say(f"{name}: ready in {time.monotonic() - started:.0f} s")


def prepare_all(wanted: list[tuple[Path, list[Path]]]) -> None:
    """Make what is not ready, side by side, with a sign of life every ten seconds."""
    missing = [(folder, locks[0]) for folder, locks in wanted if not is_ready(folder, locks)]
    if not missing:
        return
    uv = find_uv()
    over = threading.Event()
    threading.Thread(target=_sign_of_life, args=(over,), daemon=True).start()
    try:
        with ThreadPoolExecutor(len(missing)) as pool:
            for job in [pool.submit(prepare, folder, lock, uv) for folder, lock in missing]:
                job.result()
    finally:
        over.set()


def lock_all(options: list[str]) -> None:
    """Lock every requirements file, for every system and Python from the oldest on; needs uv."""
    uv = find_uv()
    if uv is None:
        raise Failed("Locking needs uv.")
    fixed = ("--quiet", "--universal", "--generate-hashes", "--python-version", "3.11")
    header = ("--custom-compile-command", "make lock")
    for source in sorted((ROOT / "requirements").rglob("*.in")):
        lock = source.with_suffix(".txt")
        say(f"locking {lock.relative_to(ROOT)}")
        run(f"Locking {lock}", uv, "pip", "compile", *fixed, *header, *options, source, "-o", lock)


def _sign_of_life(over: threading.Event) -> None:
    started = time.monotonic()
    while not over.wait(10):
        say(f"… still installing ({time.monotonic() - started:.0f} s)")


def parsed(argument: str) -> tuple[Path, list[Path]]:
    """The folder and the locks that `FOLDER=LOCK[,LOCK…]` names."""
    folder, _, locks = argument.partition("=")
    return ROOT / folder, [ROOT / lock for lock in locks.split(",")]


def main(arguments: list[str]) -> int:
    """Do what is asked; 0 when all of it worked, 1 with the reason when something did not."""
    if sys.version_info < OLDEST_PYTHON:
        have = ".".join(str(part) for part in sys.version_info[:3])
        say(f"OMNI2 needs Python 3.11 or newer, and {sys.executable} is {have}.")
        say("Name a newer one: make PYTHON=python3.11 …")
        return 1
    try:
        if arguments[:1] == ["--lock"]:
            lock_all(arguments[1:])
        else:
            prepare_all([parsed(argument) for argument in arguments])
    except Failed as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
