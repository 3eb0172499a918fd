"""Limits hold when many come at once, in several processes, on this run's database (and Redis)."""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.fakes import messages_api

pytestmark = [pytest.mark.deployed, pytest.mark.slow]
USAGE = {
    "input_tokens": 0,
    "output_tokens": 40_000,
    "cache_read_input_tokens": 0,
    "cache_creation_input_tokens": 0,
}
BUDGET_FOR_TEN = {"max_requests": 10}
# Ten questions of at most two dollars.
DOLLARS_FOR_TEN = {"max_cost": 20, "max_tokens": 5_000_000}


def environment(folder, database_url, **more):
    return os.environ | {
        "OMNI2_DATA_DIR": str(folder),
        "OMNI2_ENV_FILE": os.devnull,
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "OMNI2_LOG_LEVEL": "ERROR",
        **more,
    }


@pytest.fixture
def rush(tmp_path, database_url):
    """Runs a command of `tests.ways.rush` in a process of its own."""

    def run(*command, dies=False, **more):
        done = subprocess.run(
            [sys.executable, "-m", "tests.ways.rush", *map(str, command)],
            env=environment(tmp_path, database_url, **more), capture_output=True, text=True,
        )  # fmt: skip
        if dies:
            assert done.returncode == -signal.SIGKILL
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize(
    "redis", ["", "redis://127.0.0.1:1/0", pytest.param("real", marks=pytest.mark.redis)]
)
def test_of_two_hundred_at_once_ten_are_let_through(rush, redis):
    rush("prepare", "{}")
    url = os.environ["REDIS_URL"].rpartition("/")[0] + "/15" if redis == "real" else redis

    assert rush("rate", uuid4(), REDIS_URL=url) == 10


@pytest.mark.parametrize("budget", [BUDGET_FOR_TEN, DOLLARS_FOR_TEN])
def test_of_a_hundred_questions_on_a_budget_for_ten_ten_start_and_it_is_kept(rush, budget):
    rush("prepare", json.dumps(budget))
    assert rush("ask", 100) == 10

    def costly(_):
        # 0.4 dollars of claude-sonnet-5-5, at 10 for a million written tokens.
        return messages_api.says("It is 4.", usage=USAGE)

    with messages_api.serve(costly) as api:
        key = {"ANTHROPIC_API_KEY": "for-the-fake", "ANTHROPIC_BASE_URL": api.url}
        rush("answer", OMNI2_MODEL_PROVIDER="anthropic", **key)
        asked = len(api.requests)

    told = rush("report")
    assert (told["states"], asked, told["holds"]) == (["answered"] * 10, 10, 0)
    assert Decimal(told["spent"]) == 4
    assert told["budget"] == {
        kind: [{"requests": 10, "tokens": 400_000, "cost": 4.0}[kind], 0] for kind in told["budget"]
    }


def test_what_a_killed_worker_held_comes_back_once(rush):
    rush("prepare", json.dumps(DOLLARS_FOR_TEN))
    rush("ask", 4)
    rush("die", dies=True)
    before = rush("report")
    rush("sweep")
    rush("sweep")
    after = rush("report")

    assert (before["holds"], before["budget"]["cost"]) == (4, [0, 8])
    assert after["states"] == ["expired", "queued", "queued", "queued"]
    assert (after["holds"], after["budget"]["cost"]) == (3, [0, 6])
