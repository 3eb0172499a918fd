"""May this begin now: limits of questions and calls, and what an ended question gives back.

A request is a question, or a tool call made without one. It counts for the rate of the person's
role and for their budgets; a question's own tool calls count for neither, but every call counts for
its server's rate, whoever makes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import budgets, limits, meters
from accounts.budgets import Amounts
from accounts.errors import LimitReached
from accounts.models import User
from audit.record import Who
from gateway import errors
from gateway.asker import Asker
from gateway.models import Question
from registry.models import Server

# An ended question that still holds something after this long was forgotten.
GRACE = timedelta(minutes=1)
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
USAGE = ("model", "cost", *TOKENS)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except LimitReached as reached:
        raise errors.LimitReached(reached=reached) from None


def admit_question(question: UUID, asker: Asker) -> None:
    """Let the person's question begin and hold what it may use; raises LimitReached.

    The caller's transaction has locked the person, so that of two questions one comes first, and
    makes the question or none of this.
    """
    with _translated():
        _within_running(asker.user)
        budgets.hold(asker.user, question, _most(), who=asker.who)
        limits.hit(limits.requests_of(asker.user))


def _most() -> Amounts:
    """The most that one question may use."""
    return Amounts(settings.QUESTION_MAX_TOKENS, Decimal(str(settings.QUESTION_MAX_COST)))


def _within_running(user: User) -> None:
    limit, whose = limits.at_once(user)
    running = Question.objects.running_of(user).count() if limit else 0
    if limit and running >= limit:
        raise LimitReached(
            "questions at once",
            kind="concurrent_requests",
            whose=whose,
            limit=limit,
            used=running,
            reset_seconds=None,
        )


def admit_call(asker: Asker, server: Server, *, direct: bool) -> None:
    """Count a call for its server, and a direct one as a request of its person.

    Raises LimitReached, and counts nothing, when any of the limits is reached.
    """
    rates = _rates_of(server)
    if direct:
        rates += limits.requests_of(asker.user)
    budgeted = direct and meters.limits_of(asker.user)
    if not rates and not budgeted:
        return
    with _translated(), transaction.atomic():
        if budgeted:
            budgets.take(asker.user, who=asker.who)
        limits.hit(rates)


def has_room(server: str) -> bool:
    """Whether a call of this server would be let through now. Nothing is counted."""
    found = Server.objects.filter(name=server).first()
    stands = limits.standing(_rates_of(found)) if found else []
    return all(count.used < one.rate.limit for one, count in stands)


def _rates_of(server: Server) -> list[limits.Allowed]:
    name, whose = f"server:{server.name}", f"the server {server.name}"
    return limits.per_minute(name, server.requests_per_minute, server.burst, whose=whose)


def lay_aside(question: Question) -> None:
    """Give back what a question that waits now has not used, in the transaction that parks it."""
    if budgets.is_holding(question.pk):
        question.refresh_from_db(fields=USAGE)
        budgets.lay_aside(question.pk, used_by(question))


def take_up(question: Question) -> None:
    """Have a question that goes on hold anew what it may use; raises LimitReached, or LeaseLost."""
    with _translated(), transaction.atomic():
        if not question.renew():
            raise errors.LeaseLost()
        budgets.take_up(question.pk, used_by(question), _most())


def settle(question: Question) -> None:
    """Count what an ended question has used, in the transaction that ends it.

    What is near its limit then stands on the question's row.
    """
    if not budgets.is_holding(question.pk):
        return
    question.refresh_from_db(fields=USAGE)
    near = budgets.settle(question.pk, used_by(question), who=Who(**question.origin))
    if near:
        question.near_limits = [line.as_detail() for line in near]
        question.save(update_fields=["near_limits"])


def used_by(question: Question) -> Amounts:
    """What the question has used so far, as its row says. Without a turn that is nothing."""
    tokens = sum(getattr(question, name) for name in TOKENS)
    return Amounts(tokens, question.cost if question.model else Decimal(0))


def settle_forgotten() -> int:
    """Give back what is held for questions that have ended or are no more; how many."""
    now = timezone.now()
    holders = budgets.holders(now - GRACE)
    # A replay holds without a question's row, for as long as a question may take.
    long_since = set(budgets.holders(now - GRACE - timedelta(seconds=settings.QUESTION_TIMEOUT)))
    found = Question.objects.in_bulk(holders)
    done = [one for one in holders if (found[one].finished if one in found else one in long_since)]
    for holder in done:
        with transaction.atomic():
            if holder in found:
                settle(found[holder])
            else:
                budgets.release(holder)
    return len(done)
