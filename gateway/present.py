"""A question as every door shows it."""

from typing import Any

from gateway import errors, provenance, results
from gateway.markdown import as_html
from gateway.models import Approval, Call, Question


def question(row: Question) -> dict[str, Any]:
    """The whole question as JSON: for `GET /api/query/<id>` and the step `done`."""
    return {
        "id": str(row.pk),
        "state": row.state,
        "question": row.text,
        "answer": row.answer,
        "answer_html": as_html(row.answer),
        "warning": row.warning or None,
        **provenance.shown(row),
        "near_limits": row.near_limits,
        "error": _error(row),
        "conversation": str(row.conversation_id),
        "door": row.door,
        "model": row.model,
        "created_at": row.created_at.isoformat(),
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "milliseconds": _milliseconds(row),
        "tokens": tokens(row),
        "cost_usd": None if row.cost is None else f"{row.cost:f}",
        "calls": [call(one) for one in row.calls.all()],
        "approvals": approvals(row),
        "urls": urls(row),
    }


def brief(row: Question) -> dict[str, Any]:
    """What a question is answered with as long as it has no answer."""
    return {
        "id": str(row.pk),
        "state": row.state,
        "conversation": str(row.conversation_id),
        "approvals": approvals(row),
        "urls": urls(row),
    }


def approvals(row: Question) -> list[dict[str, Any]]:
    """The approvals a question asked for; one that was never put aside has asked for none."""
    if row.seconds_left is None:
        return []
    asked = row.approvals.select_related("person", "decided_by").order_by("created_at")
    return [approval(one) for one in asked]


def waiting(row: Question) -> list[dict[str, Any]]:
    """Of those, what it waits for: a decision, or room at the server of an approved call."""
    return [one for one in approvals(row) if one["state"] in Approval.OPEN]


def approval(row: Approval) -> dict[str, Any]:
    """One approval: what would be done for whom, which rule asks, and what was decided."""
    return {
        "id": str(row.pk),
        "state": row.state,
        "person": row.person.email,
        "question": str(row.question_id) if row.question_id else None,
        "server": row.server,
        "tool": row.tool,
        "arguments": row.arguments,
        "layer": row.decision.get("layer", ""),
        "rule": row.decision.get("rule", ""),
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "decided_by": row.decided_by.email if row.decided_by else None,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "reason": row.reason,
        "call": str(row.call_id) if row.call_id else None,
        "url": row.url,
    }


def urls(row: Question) -> dict[str, str]:
    own = f"/api/query/{row.pk}"
    return {"self": own, "events": f"{own}/events", "cancel": f"{own}/cancel"}


def call(row: Call) -> dict[str, Any]:
    """One call: what was asked of which tool, and what became of it."""
    refused = row.state == Call.State.REFUSED
    return {
        "id": str(row.pk),
        "server": row.server,
        "tool": row.tool,
        "arguments": row.arguments,
        "state": row.state,
        "milliseconds": row.milliseconds,
        "preview": results.preview(row.text),
        "refusal": errors.refusal(row.decision) if refused else None,
        "connect_url": errors.connect_url(row.server) if _wants_account(row) else None,
        "settled": settled(row),
        "instead_of": str(row.instead_of_id) if row.instead_of_id else None,
    }


def settled(row: Call) -> dict[str, Any] | None:
    """What an administrator said of an unknown outcome; None where nobody has."""
    if not row.settled or row.settled_at is None:
        return None
    return {
        "carried_out": row.settled == Call.Settled.CARRIED_OUT,
        "by": row.settled_by,
        "at": row.settled_at.isoformat(),
        "note": row.settled_note,
    }


def _wants_account(row: Call) -> bool:
    return row.error_code == errors.NotConnected.code


def tokens(row: Question) -> dict[str, int]:
    return {
        "input": row.input_tokens,
        "output": row.output_tokens,
        "cache_read": row.cache_read_tokens,
        "cache_write": row.cache_write_tokens,
    }


def _error(row: Question) -> dict[str, str] | None:
    if not row.error_code:
        return None
    return {"code": row.error_code, "message": row.error_message, "error_id": row.error_id}


def _milliseconds(row: Question) -> int | None:
    if row.finished_at is None:
        return None
    return round((row.finished_at - row.created_at).total_seconds() * 1000)
