"""Days on the record, made quickly: questions with their calls, refusals and ends."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from audit import record, seal
from audit.models import Entry
from audit.record import Who

NOON = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
ADA = Who(person="ada@example.com", role="dba", door="slack")
DEV = Who(person="dev@example.com", role="developer", door="rest")
ALLOWED = {"effect": "allow", "layer": "role", "rule": "dba"}
DENIED = {"effect": "deny", "layer": "server", "rule": "no writing"}


def happened(at: datetime, kind: str, outcome: str, **facts: Any) -> Entry:
    """An entry of this moment, not yet written."""
    entry = record.prepare(kind, outcome, **facts)
    entry.at = at
    entry.digest = entry.reckon_digest()
    return entry


def question(
    at: datetime,
    who: Who = ADA,
    *,
    calls: Sequence[tuple[str, str]] = (),
    cost: str | None = "0.01",
    milliseconds: int = 100,
    outcome: str = "ok",
    call_outcome: str = "ok",
) -> list[Entry]:
    """A question asked at that moment, with its calls, answered a second later."""
    own: dict[str, Any] = {"who": who, "question": uuid4()}
    entries = [happened(at, "question.accepted", "pending", **own)]
    for server, tool in calls:
        call = {**own, "server": server, "tool": tool, "decision": ALLOWED}
        code = "" if call_outcome == "ok" else "tool_failed"
        entries.append(happened(at, "call.calling", "pending", **call))
        call |= {"milliseconds": milliseconds, "error_code": code}
        entries.append(happened(at, "call.called", call_outcome, **call))
    ended = {
        "tokens": {"input": 100, "output": 10, "cache_read": 4, "cache_write": 2},
        "cost": None if cost is None else Decimal(cost),
        "milliseconds": 1000,
        "error_code": "" if outcome == "ok" else "model_failed",
    }
    at += timedelta(seconds=1)
    return [*entries, happened(at, "question.ended", outcome, **own, **ended)]


def refusal(at: datetime, who: Who = DEV, *, server: str = "sales", tool: str = "drop") -> Entry:
    """A call that the policy did not let through."""
    facts = {"who": who, "server": server, "tool": tool, "decision": DENIED}
    return happened(at, "call.refused", "refused", error_code="not_allowed", **facts)


def put(*entries: Entry) -> None:
    """Write them, sealed in a block."""
    record.write_many(entries)
    seal.seal_once()
