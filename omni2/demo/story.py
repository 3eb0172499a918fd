"""Three questions whose right answers can be found out without asking the gateway."""

import re
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

# Japan has no summer time: this needs no time zone data.
TOKYO = timezone(timedelta(hours=9), "JST")


@dataclass(frozen=True)
class Asked:
    """A question as `manage.py ask --json` printed it, and the moments just before and after."""

    result: Mapping[str, Any]
    before: datetime
    after: datetime

    @property
    def answer(self) -> str:
        return str(self.result["answer"])


@dataclass(frozen=True)
class Told:
    """A question, the server that must be called for it, and what tells a wrong answer's fault."""

    question: str
    server: str
    wrong: Callable[[Asked], str]

    def verdict(self, asked: Asked) -> str:
        """Why the outcome is not right, or an empty text: server, named tool, then meaning."""
        done = [call for call in asked.result["calls"] if call["state"] == "done"]
        tools = [call["tool"] for call in done if call["server"] == self.server]
        if not tools:
            return f"no call to {self.server} succeeded"
        if not any(tool in asked.answer for tool in tools):
            return f"the answer does not name the tool it rests on ({', '.join(tools)})"
        return self.wrong(asked)


def questions(repository: Path, shop: Path) -> tuple[Told, ...]:
    """The three questions of the demo."""
    return (
        Told("What time is it in Tokyo?", "time", wrong_time),
        Told(
            "Show the last 3 commits in the git log",
            "git",
            lambda asked: wrong_commit(asked.answer, latest_subject(repository)),
        ),
        Told(
            "What tables does the shop database have?",
            "database_mcp",
            lambda asked: wrong_tables(asked.answer, table_names(shop)),
        ),
    )


def wrong_time(asked: Asked) -> str:
    """The answer must hold a time of day that it was in Tokyo between asking and answering."""
    minutes = int((asked.after - asked.before) / timedelta(minutes=1)) + 1
    right = set()
    for minute in range(minutes + 1):
        then = min(asked.before + timedelta(minutes=minute), asked.after).astimezone(TOKYO)
        right |= {then.strftime("%H:%M"), then.strftime("%I:%M")}
    said = {
        f"{hour:0>2}:{minute}" for hour, minute in re.findall(r"(\d{1,2}):(\d{2})", asked.answer)
    }
    return "" if said & right else f"it was {min(right)} in Tokyo"


def latest_subject(repository: Path) -> str:
    """The first line of the newest commit's message."""
    log = ["git", "-C", str(repository), "log", "-1", "--format=%s"]
    return subprocess.run(log, capture_output=True, text=True, check=True).stdout.strip()


def wrong_commit(answer: str, subject: str) -> str:
    """The answer must hold the newest commit's subject, whatever marks are put around its words."""
    return "" if _words(subject) in _words(answer) else f"the latest commit is “{subject}”"


def table_names(database: Path) -> list[str]:
    """The tables of an SQLite database."""
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        return [name for (name,) in rows]
    finally:
        connection.close()


def wrong_tables(answer: str, names: list[str]) -> str:
    """The answer must hold every table's name as a word."""
    missing = [name for name in names if f" {_words(name)} " not in f" {_words(answer)} "]
    return f"not named: {', '.join(missing)}" if missing else ""


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
