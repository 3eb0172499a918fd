"""kill -9 in the middle of the work: nothing is lost, and nothing that counts is done twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import mcp_server

QUESTIONS = 50
KILLS = 8


class Nursery:
    """A process that has everything loaded, and forks workers from it."""

    def __init__(self, process):
        self._process = process
        assert self._line() == "prepared"

    def _line(self):
        return self._process.stdout.readline().strip()

    def _say(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def worker(self):
        """The process id of a fresh worker."""
        self._say("work")
        return int(self._line())

    def report(self):
        self._say("report")
        return [json.loads(line) for line in iter(self._line, "")]


@contextmanager
def nursery(folder, database_url, upstream):
    environment = os.environ | {
        "OMNI2_DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "OMNI2_INTERNAL_ADDRESSES": upstream.address,
        "OMNI2_QUESTION_LEASE_SECONDS": "1",
        "OMNI2_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "tests.ways.worker", upstream.url, str(QUESTIONS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


def alive(worker):
    """Whether the process runs; a killed one stays a zombie until its nursery ends."""
    return Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def kill_one(workers, upstream, chance):
    """Start a worker, let it begin a little more work, and kill it in the middle."""
    worker = workers.worker()
    goal = len(upstream.calls) + chance.randint(1, 4)
    while len(upstream.calls) < goal and alive(worker):
        time.sleep(0.002)
    time.sleep(chance.random() * 0.05)
    was_alive = alive(worker)
    os.kill(worker, signal.SIGKILL)
    return was_alive


@pytest.mark.deployed
def test_fifty_questions_survive_workers_that_are_killed(tmp_path, database_url):
    chance = random.Random(7)
    with mcp_server.serve() as upstream, nursery(tmp_path, database_url, upstream) as workers:
        killed = [kill_one(workers, upstream, chance) for _ in range(KILLS)]
        last = workers.worker()
        while alive(last):
            time.sleep(0.02)
        rows = workers.report()

    assert killed == [True] * KILLS
    written = Counter(arguments["text"] for _, arguments in upstream.calls)
    assert len(rows) == QUESTIONS
    assert {row["state"] for row in rows} == {"answered"}
    assert [text for text, times in written.items() if times > 1] == []
    for row in rows:
        told = row["warning"] == "outcome_unknown"
        assert row["calls"] == (["unknown"] if told else ["done"])
        assert told or written[row["text"]] == 1
    assert any(row["attempt"] > 1 for row in rows), "no worker was killed in the middle"
