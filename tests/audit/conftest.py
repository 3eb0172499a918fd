"""A short sealed record, and a database that threads can share."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from audit import record, seal, triggers
from audit.models import Block, Entry, Follower, Pruned, Rollup, Unsealed

WHO = record.Who(
    person="ada@example.com",
    role="dba",
    door="slack",
    address="192.0.2.7",
    user_agent="Slackbot 1.0",
    api_key="k1a2b3c4",
    channel="C024BE91L",
    thread="1712345678.000100",
)
FULL: record.Facts = {
    "who": WHO,
    "question": "7b6b4c39-7a60-4a6c-9f0f-0d3f0d2f6a11",
    "call": "0f9d3f64-55a5-4f0e-8a1a-7f4f9f0d2c22",
    "server": "database_mcp",
    "tool": "get_top_queries",
    "fingerprint": "f" * 64,
    "arguments": {"database": "sales", "limit": 5},
    "result": {"content": [{"type": "text", "text": "3 rows"}], "isError": False},
    "decision": {
        "effect": "allow",
        "layer": "role",
        "rule": "dba",
        "reason": "may",
        "fix": "",
        "id": "d1",
    },
    "policy_version": "p" * 64,
    "inputs": {"subject": {"person": "ada@example.com"}, "at": "2026-05-01T12:00:00+00:00"},
    "tokens": {"input": 900, "output": 80, "cache_read": 0, "cache_write": None},
    "cost": Decimal("0.00390000"),
    "milliseconds": 41,
    "error_code": "slow",
    "error_id": "e-17",
    "detail": {"price": {"input": "3.00"}},
}


def entry(number: int = 0) -> Entry:
    """An entry to be written, about the call of that number."""
    return record.prepare("call.calling", "pending", call=str(number))


@pytest.fixture
def sealed(db: None) -> list[Entry]:
    """Seven entries, the first four sealed in block 1, the next two in block 2, one waiting."""
    entries = []
    for count in (4, 2, 1):
        entries += record.write_many(
            record.prepare("call.called", "ok", **FULL) for _ in range(count)
        )
        if count > 1:
            assert seal.seal_once() == count
    return entries


@pytest.fixture
def raw(db: None) -> Callable[..., None]:
    """Runs SQL past models and triggers, as somebody who owns the database could."""

    def run(sql: str, *values: object) -> None:
        with triggers.opened(triggers.EMPTY), connection.cursor() as cursor:
            cursor.execute(sql, values)

    return run


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """The record in a database that several threads can write to: on SQLite, in a file."""
    if connection.vendor != "sqlite":
        yield
        return
    in_memory: Any = connections["default"]
    name = in_memory.settings_dict["NAME"]
    del connections["default"]
    connections.settings["default"]["NAME"] = str(tmp_path / "record.sqlite3")
    try:
        with connection.schema_editor() as editor:
            for model in (Entry, Unsealed, Block, Follower, Pruned, Rollup):
                editor.create_model(model)
        yield
    finally:
        connection.close()
        connections.settings["default"]["NAME"] = name
        connections["default"] = in_memory
