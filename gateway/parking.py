"""A question that waits for somebody's yes is put aside: no worker, no lease, no running time.

Of its person's budgets it then holds only what it has used. One whose approved call meets its
server's limit waits in the same way, until there is room or the yes is too old to be used.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from gateway import admission, errors, progress
from gateway.models import Approval, Question


def park(question: Question, approvals: Sequence[Mapping[str, Any]]) -> bool:
    """Put it aside until it can go on; False when somebody has decided, and it can at once.

    Raises Cancelled or LeaseLost when the question is not to be worked on any more.
    """
    ids = [one["id"] for one in approvals if one["state"] == Approval.State.WAITING]
    with transaction.atomic():
        # Whoever decides locks it first too: they find it parked, or we find what they decided.
        Question.objects.select_for_update().get(pk=question.pk)
        undecided = Approval.objects.filter(pk__in=ids, state=Approval.State.WAITING).count()
        if undecided < len(ids):
            return False
        if not question.park():
            question.refresh_from_db(fields=["cancel_requested"])
            raise errors.Cancelled() if question.cancel_requested else errors.LeaseLost()
        admission.lay_aside(question)
    progress.publish(question.pk, "waiting", approvals=list(approvals))
    return True


def wake_stranded() -> list[Question]:
    """Put back in the queue what waits although nothing of it is left to be decided.

    An approved call that was put off at its server's limit is waited for until there is room.
    """
    waiting = Question.objects.filter(state=Question.State.WAITING)
    of_these = Approval.objects.filter(question__in=waiting)
    put_off = of_these.filter(state=Approval.State.APPROVED)
    ready = [one.pk for one in put_off if admission.has_room(one.server)]
    unsettled = of_these.filter(state__in=Approval.OPEN).values("question")
    stranded = [*waiting.exclude(pk__in=unsettled), *waiting.filter(approvals__in=ready)]
    return [question for question in stranded if question.wake()]
