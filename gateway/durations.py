"""How long each part of a question took, for the record and whoever reads it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from gateway.models import Question


def parts(question: Question) -> dict[str, int]:
    """Milliseconds until a worker took it, of the model, of the tools, and of waiting for a yes.

    Calls that were made side by side count each; waits that overlap count once.
    """
    now = timezone.now()
    began = question.started_at or now
    waits = question.approvals.values_list("created_at", "decided_at", "expires_at")
    waited = _covered((asked, decided or min(ends, now)) for asked, decided, ends in waits)
    return {
        "queued": _milliseconds(began - question.created_at),
        "model": question.turns.aggregate(sum=Sum("milliseconds"))["sum"] or 0,
        "tools": question.calls.aggregate(sum=Sum("milliseconds"))["sum"] or 0,
        "approval": _milliseconds(waited),
    }


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How much time lies within at least one of the spans."""
    total, until = timedelta(), None
    for start, end in sorted(spans):
        start = start if until is None else max(start, until)
        total += max(end - start, timedelta())
        until = end if until is None else max(until, end)
    return total


def _milliseconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
