"""The command line where there is no data yet, as a newcomer meets it."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from omni2.command_line import NOTHING_HERE
from omni2.demo.place import ROOT
from omni2.demo.surroundings import without_settings

pytestmark = pytest.mark.slow
WHOCAN = ("whocan", "dev@example.com", "git", "git_commit")


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"OMNI2_ENV_FILE": os.devnull, "OMNI2_DATA_DIR": str(data)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=without_settings(os.environ) | own,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", [WHOCAN, ("ask", "What time is it?", "--as", WHOCAN[1])])
def test_without_any_data_one_sentence_says_what_to_do(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = manage(tmp_path, *command)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{NOTHING_HERE}\n")


def test_an_error_of_a_database_that_was_migrated_is_not_hidden(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "omni2.sqlite3")
    database.execute("CREATE TABLE django_migrations (id INTEGER)")
    database.close()
    done = manage(tmp_path, *WHOCAN)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("no such table: accounts_user\n")


def test_a_database_that_does_not_answer_is_not_called_empty(tmp_path: Path) -> None:
    (tmp_path / "omni2.sqlite3").mkdir()
    done = manage(tmp_path, *WHOCAN)
    assert done.returncode == 1
    assert done.stderr.endswith("unable to open database file\n")


def test_a_command_for_the_demo_says_that_there_is_none_yet(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "omni2.demo", *WHOCAN],
        cwd=ROOT,
        env=os.environ | {"OMNI2_DEMO_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    said = "There is no demo here yet. Start it first: make demo\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert list(tmp_path.iterdir()) == []
