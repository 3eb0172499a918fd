"""The page of one question: its steps as bars on a line, each with what is known of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.models import User
from audit.explorer import OUTCOMES
from audit.trace import Trace
from gateway.models import Question
from gateway.record import bars, questions
from gateway.record.bars import Bar, in_words
from gateway.web import person_required

_LABELS = {"decision_id": "decision", "asked_for": "asked for", "error_code": "error"}
_PARTS = {"queued": "waiting for a worker", "approval": "waiting for a yes"}


@dataclass(frozen=True)
class Line:
    """One step on the page."""

    bar: Bar
    began: str
    took: str
    cost: str
    colour: str
    short: tuple[tuple[str, str], ...]
    long: tuple[tuple[str, str], ...]
    entries: tuple[str, ...]


def page(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Anybody's question, in the admin."""
    if not request.user.has_perm("audit.view_entry"):
        raise PermissionDenied
    found = questions.of_anybody(question_id)
    here = reverse("admin:audit_entry_changelist")
    context = _shown(found, here, entry=f"{here}{{}}/change/")
    context |= admin.site.each_context(request) | {"title": "Question"}
    return TemplateResponse(request, "admin/omni2/trace.html", context)


@person_required
@never_cache
def own_page(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """A question of one's own."""
    found = questions.of_ones_own(question_id, cast(User, request.user), servers=None)
    here = reverse("history")
    context = _shown(found, here, entry=f"{here}{{}}")
    context["conversation"] = _conversation_of(question_id, cast(User, request.user))
    return render(request, "trace.html", context)


def _conversation_of(question_id: UUID, person: User) -> str:
    """Where the question can be read with its answer; empty once its row is gone."""
    row = Question.objects.filter(pk=question_id, conversation__person=person).first()
    return reverse("conversation", args=[row.conversation_id]) if row else ""


def _shown(found: Trace | None, here: str, *, entry: str) -> dict[str, Any]:
    if found is None:
        raise Http404
    end = found.end.at if found.end else timezone.now()
    drawn = bars.draw(found.steps, found.asked.at, end)
    return {
        "trace": found,
        "colour": OUTCOMES.get(found.outcome, "plain"),
        "entries": f"{here}?question={found.question}",
        "took": in_words(end - found.asked.at) if found.end else "",
        "parts": list(_parts(found.parts)),
        "is_shortened": drawn.is_shortened,
        "lines": [_line(bar, found.asked.at, entry=entry) for bar in drawn.bars],
    }


def _parts(parts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for name, took in parts.items():
        if took:
            yield _PARTS.get(name, name), in_words(timedelta(milliseconds=took))


def _line(bar: Bar, began: datetime, *, entry: str) -> Line:
    step = bar.step
    said = list(_said(step.said))
    took = step.ended - step.began if step.ended else None
    return Line(
        bar=bar,
        began=f"+{in_words(max(step.began - began, timedelta()))}",
        took=in_words(took),
        cost="" if step.cost is None else f"${step.cost:.4f}",
        colour=OUTCOMES.get(step.outcome, "plain"),
        short=tuple((name, text) for name, text, is_long in said if not is_long),
        long=tuple((name, text) for name, text, is_long in said if is_long),
        entries=tuple(entry.format(key) for key in step.entries),
    )


def _said(said: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Each fact: its name, its text, whether that is long."""
    for name, value in said.items():
        label = _LABELS.get(name, name.replace("_", " "))
        if isinstance(value, dict):
            yield label, json.dumps(value, indent=2, ensure_ascii=False), True
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value)), False
        else:
            yield label, str(value), name == "result"
