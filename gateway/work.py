"""Questions get worked on: claimed under a lease, answered, ended; reclaimed when a worker dies.

The Question row is the queue. Celery, or the thread pool of this process, is only a wake-up call: a
lost one is made up for by `sweep`, a doubled one finds the question claimed.
"""

import importlib
import logging
import os
import secrets
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import Task
from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.errors import AccountsError
from accounts.models import User
from audit import record
from audit.models import Entry
from audit.record import Who
from gateway import (
    admission,
    durations,
    errors,
    loop,
    lost,
    parking,
    present,
    progress,
    provenance,
    turns,
)
from gateway.asker import Asker
from gateway.heartbeat import Pulse, heart
from gateway.llm.base import Model
from gateway.llm.choice import model_for_deployment
from gateway.models import Approval, Call, Question
from gateway.run import Run
from gateway.tool_uses import Parked

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
# A question is put to work again by the sweeper when nothing has picked it up for this long.
OVERDUE = timedelta(seconds=10)

_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()
_waiting: set[tuple[str, str]] = set()


def start(task: Task, row_id: UUID | int) -> None:
    """Have `task` run with a row's id, soon and elsewhere. Never raises: a sweeper helps out."""
    name = str(row_id)
    if settings.REDIS_URL:
        try:
            task.apply_async(args=[name], retry=False)
        except (OperationalError, OSError):
            log.warning("the broker does not answer; a sweeper will start it")
        return
    ticket = (task.name, name)
    with _pool_lock:
        if ticket in _waiting:
            return
        _waiting.add(ticket)
    _threads().submit(_run_here, task, ticket)


def _threads() -> ThreadPoolExecutor:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(settings.WORK_THREADS, thread_name_prefix="omni2-work")
        return _pool


def _run_here(task: Task, ticket: tuple[str, str]) -> None:
    with _pool_lock:
        _waiting.discard(ticket)
    close_old_connections()
    try:
        task.run(ticket[1])
    except Exception:
        log.exception("a task failed", extra={"task": ticket[0], "row": ticket[1]})
    finally:
        close_old_connections()


def warm_up() -> None:
    """Load what the first question would wait for: the model's SDK and the MCP client's."""
    prepare = getattr(model_for_deployment(), "prepare", None)
    if prepare is not None:
        prepare()
    importlib.import_module("registry.mcp.connection")


def drain() -> None:
    """Let running questions end and take no new ones: for a process that is asked to stop."""
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=True, cancel_futures=True)


def run(question_id: UUID | str, *, model: Model | None = None) -> Question | None:
    """Claim the question, answer it, end it or put it aside.

    None when it is somebody else's or has ended.
    """
    question = (
        Question.objects.select_related("person__role", "conversation")
        .filter(pk=question_id)
        .first()
    )
    owner = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
    if question is None or not question.claim(owner):
        return None
    progress.publish(question.pk, "started", attempt=question.attempt)
    with heart.beat_for(question) as pulse:
        ending = _answer(question, pulse, model)
        if ending is not None:
            finish(question, **ending)
    return question


def _answer(question: Question, pulse: Pulse, model: Model | None) -> dict[str, Any] | None:
    """Work the question out: the columns of its end; None when it waits for approval now."""
    try:
        if question.cancel_requested:
            raise errors.Cancelled()
        if question.attempt > MAX_ATTEMPTS:
            raise errors.Unavailable(f"Given up after {MAX_ATTEMPTS} attempts that did not end.")
        if question.seconds_left is not None:
            admission.take_up(question)
        chosen = model or model_for_deployment()
        ended = _loop(question, pulse, chosen)
        if ended is None:
            return None
        return {
            "state": Question.State.ANSWERED,
            "answer": ended.answer,
            "warning": ended.warning,
            "provenance": provenance.of(question, ended.answer, model=chosen.name),
        }
    except (errors.Refused, errors.NotAllowed) as error:
        return _ended_by(error, Question.State.REFUSED)
    except errors.Cancelled as error:
        return _ended_by(error, Question.State.CANCELLED)
    except errors.Expired as error:
        return _ended_by(error, Question.State.EXPIRED)
    except (errors.GatewayError, AccountsError) as error:
        return _ended_by(error, Question.State.FAILED)
    except Exception:
        error_id = errors.new_error_id()
        log.exception(
            "a question failed", extra={"question": str(question.pk), "error_id": error_id}
        )
        return {
            "state": Question.State.FAILED,
            "error_code": "internal",
            "error_message": "Something went wrong on our side.",
            "error_id": error_id,
        }


def _loop(question: Question, pulse: Pulse, model: Model) -> loop.Ending | None:
    """The end of the question; None once it is put aside, because somebody must decide first."""
    while True:
        run = Run(question, asker_of(question), model, pulse.stopped, pulse.check)
        try:
            return loop.run(run)
        except Parked as parked:
            if parking.park(question, parked.approvals):
                return None


def _ended_by(error: errors.GatewayError | AccountsError, state: Question.State) -> dict[str, Any]:
    return {"state": state, "error_code": error.code, "error_message": str(error)}


def asker_of(question: Question) -> Asker:
    """Who asked, from the row: the same person, key and address as when the question came in."""
    only = None if question.only_servers is None else frozenset(question.only_servers)
    return Asker(question.person, Who(**question.origin), only)


def finish(question: Question, *, state: Question.State, **values: Any) -> bool:
    """End the question: its row, the record, the last step. False when it was not ours."""
    with transaction.atomic():
        if not question.finish(state, **values):
            return False
        if state != Question.State.ANSWERED:
            _settle_calls(question)
        if state != Question.State.ANSWERED or question.seconds_left is not None:
            question.approvals.open().update(state=Approval.State.CANCELLED)
        admission.settle(question)
        turns.redact_turns(question)
        _record_end(question)
    progress.publish(question.pk, "done", **present.question(question))
    return True


_OUTCOMES: dict[str, str] = {
    Question.State.ANSWERED: Entry.Outcome.OK,
    Question.State.REFUSED: Entry.Outcome.REFUSED,
    Question.State.FAILED: Entry.Outcome.FAILED,
    Question.State.CANCELLED: Entry.Outcome.CANCELLED,
    Question.State.EXPIRED: Entry.Outcome.EXPIRED,
}


def _record_end(question: Question) -> None:
    began = question.started_at or question.created_at
    record.write(
        Entry.Kind.QUESTION_ENDED,
        _OUTCOMES[question.state],
        who=Who(**question.origin),
        question=str(question.pk),
        result=question.answer,
        policy_version=question.policy_version,
        tokens=present.tokens(question),
        cost=question.cost,
        milliseconds=round((timezone.now() - began).total_seconds() * 1000),
        error_code=question.error_code,
        error_id=question.error_id,
        detail={
            "state": question.state,
            "milliseconds": durations.parts(question),
            "model": question.model,
            "price": question.price,
            "warning": question.warning,
            "figures": provenance.counts(question.provenance),
            "near_limits": question.near_limits,
            "message": question.error_message,
        },
    )


def sweep(task: Task) -> int:
    """End what is too late, have `task` run for what nobody works on, settle lost calls."""
    expired = [
        _expire(question)
        for question in Question.objects.active().filter(deadline_at__lt=Now() - OVERDUE)
    ]
    overdue = Question.objects.claimable().exclude(
        state=Question.State.QUEUED, created_at__gt=Now() - OVERDUE
    )
    ids = list(overdue.order_by("created_at").values_list("pk", flat=True)[:500])
    for question_id in ids:
        start(task, question_id)
    return sum(expired) + len(ids) + lost.settle_forgotten() + admission.settle_forgotten()


def _expire(question: Question) -> bool:
    """End a question that is too late; a worker that still holds it has lost its lease."""
    taken = (
        Question.objects.filter(pk=question.pk)
        .active()
        .update(state=Question.State.RUNNING, owner="sweeper", lease_until=None)
    )
    if not taken:
        return False
    question.refresh_from_db()
    return finish(
        question,
        state=Question.State.EXPIRED,
        error_code=errors.Expired.code,
        error_message=errors.Expired.sentence,
    )


def _settle_calls(question: Question) -> None:
    """No call of an ended question stays open: what a dead worker left is an unknown outcome."""
    asker = Asker(User(pk=question.person_id), Who(**question.origin))
    for call in question.calls.filter(state=Call.State.STARTED):
        lost.settle_lost(call, asker)
