"""kill -9 in the middle of the work: nothing is lost, and nothing that counts is done twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.fakes import mcp_server

QUESTIONS = 50
KILLS = 8


def start(environment, *command):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ways.worker", *command],
        env=environment,
        stdout=subprocess.PIPE,
    )


def finish(environment, *command):
    process = start(environment, *command)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output.decode()


@pytest.mark.slow
def test_fifty_questions_survive_workers_that_are_killed(tmp_path):
    with mcp_server.serve() as upstream:
        environment = os.environ | {
            "OMNI2_DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'kill.sqlite3'}",
            "REDIS_URL": "",
            "OMNI2_INTERNAL_ADDRESSES": upstream.address,
            "OMNI2_QUESTION_LEASE_SECONDS": "1.5",
            "OMNI2_LOG_LEVEL": "ERROR",
        }
        finish(environment, "prepare", upstream.url, str(QUESTIONS))
        killed = kill_workers(environment, upstream)
        finish(environment, "work")
        rows = [json.loads(line) for line in finish(environment, "report").splitlines()]

    assert killed == KILLS
    written = Counter(arguments["text"] for _, arguments in upstream.calls)
    assert len(rows) == QUESTIONS
    assert {row["state"] for row in rows} == {"answered"}
    assert [text for text, times in written.items() if times > 1] == []
    for row in rows:
        told = row["warning"] == "outcome_unknown"
        assert row["calls"] == (["unknown"] if told else ["done"])
        assert told or written[row["text"]] == 1


def kill_workers(environment, upstream):
    """Start a worker, wait until it has done a little, kill it; again and again."""
    chance = random.Random(7)
    killed = 0
    for _ in range(KILLS):
        worker = start(environment, "work")
        goal = len(upstream.calls) + chance.randint(1, 4)
        while len(upstream.calls) < goal and worker.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.05)
        worker.send_signal(signal.SIGKILL)
        killed += worker.wait() == -signal.SIGKILL
    return killed
