"""kill -9 among sealers and writers: all is sealed, nothing twice; a dump goes on elsewhere."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

KILLS = 6
BLOCK_SECONDS = 20


class Record:
    """A process that forks sealers and writers of one database."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._line() == "prepared"

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def say(self, word: str) -> Any:
        """What the process answers to the word."""
        assert self._process.stdin
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())


@contextmanager
def kept(folder: Path, database_url: str) -> Iterator[Record]:
    environment = os.environ | {
        "OMNI2_DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "OMNI2_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "tests.ways.sealer"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            yield Record(process)
        finally:
            process.kill()


def await_block(record: Record) -> None:
    """Returns when a block more has been sealed."""
    before, began = record.say("blocks"), time.monotonic()
    while record.say("blocks") == before:
        assert time.monotonic() - began < BLOCK_SECONDS, "nothing was sealed meanwhile"
        time.sleep(0.01)


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


@pytest.mark.deployed
@pytest.mark.slow
def test_sealers_and_writers_that_are_killed_leave_everything_sealed_once(
    tmp_path: Path, database_url: str
) -> None:
    chance = random.Random(7)
    with kept(tmp_path, database_url) as record:
        sealers = [record.say("seal"), record.say("seal")]
        writers = [record.say("write"), record.say("write")]
        for number in range(KILLS):
            await_block(record)
            time.sleep(chance.random() * 0.2)
            kind, word = (sealers, "seal") if number % 3 else (writers, "write")
            kill(kind.pop(0))
            kind.append(record.say(word))
        kill(*sealers, *writers)
        found = record.say("report")
    assert found["entries"] > 200, "next to nothing was written meanwhile"
    assert found["blocks"] > KILLS
    assert (found["finding"], found["waiting"]) == ("", 0)
    assert found["sealed"] == found["entries"]


@contextmanager
def restored(database_url: str, folder: Path) -> Iterator[str]:
    """The same record in another database, by way of the database's own dump."""
    if database_url.startswith("sqlite"):
        copy = folder / "restored.sqlite3"
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as database:
            database.execute("VACUUM INTO ?", [str(copy)])
        yield f"sqlite:///{copy}"
        return
    name = f"omni2_restored_{os.getpid()}"
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    dump = folder / "record.dump"
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            subprocess.run(
                [program("pg_dump"), "-Fc", "-f", str(dump), "-d", database_url], check=True
            )
            subprocess.run([program("pg_restore"), "-d", url, str(dump)], check=True)
            yield url
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def program(name: str) -> str:
    """PostgreSQL's program of that name: on the path, or beside the newest server."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or next(map(str, reversed(beside)), None)
    assert found, f"{name} is not installed"
    return found


@pytest.mark.deployed
@pytest.mark.slow
def test_a_restored_dump_is_intact_and_goes_on_being_sealed(
    tmp_path: Path, database_url: str
) -> None:
    with kept(tmp_path, database_url) as record:
        processes = [record.say("write"), record.say("seal")]
        time.sleep(0.5)
        kill(*processes)
        before = record.say("report")
    assert before["finding"] == ""
    with restored(database_url, tmp_path) as url, kept(tmp_path, url) as record:
        processes = [record.say("write"), record.say("seal")]
        time.sleep(0.5)
        kill(*processes)
        after = record.say("report")
    assert (after["finding"], after["waiting"]) == ("", 0)
    assert after["entries"] > before["entries"] > 0
    assert after["sealed"] == after["entries"]
