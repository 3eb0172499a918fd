"""Who may say yes or no to a call that waits, and how it is said: the same verb for every door."""

from uuid import UUID

from celery import Task
from django.db import transaction

from audit.models import Entry
from audit.storable import storable
from gateway import approvals, errors, parking, present, progress, work
from gateway.asker import Asker
from gateway.models import Approval, ApprovalQuerySet
from gateway.tasks import run_question

MOST_CHARACTERS = 2_000
NO_SUCH = "There is no such approval of yours."
_WHOLE = ("person", "decided_by__role", "call", "question")
_KINDS = {
    Approval.State.APPROVED: (Entry.Kind.APPROVAL_GIVEN, Entry.Outcome.OK),
    Approval.State.REFUSED: (Entry.Kind.APPROVAL_REFUSED, Entry.Outcome.REFUSED),
}


def asked_by(asker: Asker) -> ApprovalQuerySet:
    """What this person's own calls wait or waited for, the newest first."""
    return Approval.objects.filter(person=asker.user).select_related(*_WHOLE)


def to_decide(asker: Asker) -> ApprovalQuerySet:
    """What this person may decide on now: with the right, and nothing of their own."""
    return _seen(asker).waiting().exclude(person=asker.user)


def find(approval_id: UUID, *, asker: Asker) -> Approval:
    """An approval that is the person's own, or theirs to decide; NotFound for any other."""
    found = Approval.objects.select_related(*_WHOLE).filter(pk=approval_id).first()
    if found is not None and found.person_id == asker.user.pk:
        return found
    seen = _seen(asker).filter(pk=approval_id).first()
    if seen is None:
        raise errors.NotFound(NO_SUCH)
    return seen


def _seen(asker: Asker) -> ApprovalQuerySet:
    rows = Approval.objects.select_related(*_WHOLE)
    if not approvals.decides(asker.user):
        return rows.none()
    only = asker.only_servers
    return rows if only is None else rows.filter(server__in=only)


def decide(
    approval_id: UUID, *, approve: bool, asker: Asker, reason: str = "", task: Task = run_question
) -> Approval:
    """Say yes or no to a call that waits; its question goes on, or its caller may now call.

    Raises NotFound, NotAllowed (one's own call, or without the right), BadRequest (the reason is
    too long), AlreadyDecided (by somebody else, or it is too late or outdated by now).
    """
    if len(reason) > MOST_CHARACTERS:
        raise errors.BadRequest(
            f"A reason has at most {MOST_CHARACTERS} characters.", field="reason"
        )
    approval = find(approval_id, asker=asker)
    wanted = Approval.State.APPROVED if approve else Approval.State.REFUSED
    _check_right(approval, asker, wanted)
    if approve and approval.state == Approval.State.WAITING:
        _check_up_to_date(approval, asker, task)
    if not _put_down(approval, wanted, asker=asker, reason=_clean(reason)):
        approval.refresh_from_db()
        raise errors.AlreadyDecided(_why_late(approval))
    _go_on(approval, task)
    return approval


def expire(task: Task) -> int:
    """End the approvals whose time has passed and have their questions go on; how many."""
    overdue = Approval.objects.overdue().select_related("person")[:500]
    ended = [one for one in overdue if approvals.expire(one)]
    for approval in ended:
        _go_on(approval, task)
    for question in parking.wake_stranded():
        work.start(task, question.pk)
    return len(ended)


def _clean(reason: str) -> str:
    return storable(reason.replace("\x00", "")).strip()


def _check_right(approval: Approval, asker: Asker, wanted: Approval.State) -> None:
    if approvals.may_decide(asker.user, approval):
        return
    own = approval.person_id == asker.user.pk
    error = errors.NotAllowed(
        "Nobody decides on their own call." if own else "You may not decide on calls."
    )
    approvals.note(
        _KINDS[wanted][0],
        Entry.Outcome.FAILED,
        approval,
        who=asker.who,
        error_code=error.code,
        message=error.message,
    )
    raise error


def _check_up_to_date(approval: Approval, asker: Asker, task: Task) -> None:
    """A yes that would be worth nothing is not taken; the question asks anew."""
    why = approvals.outdated_because(approval)
    if not why:
        return
    with transaction.atomic():
        question = approvals.lock_question(approval)
        if approval.close(Approval.State.OUTDATED):
            approvals.note(
                Entry.Kind.APPROVAL_EXPIRED,
                Entry.Outcome.EXPIRED,
                approval,
                who=asker.who,
                message=why,
            )
        if question is not None:
            question.wake()
    _go_on(approval, task)
    then = "Its question asks anew." if question else "The call has to be made anew."
    raise errors.AlreadyDecided(f"{why} {then}")


def _put_down(approval: Approval, wanted: Approval.State, *, asker: Asker, reason: str) -> bool:
    kind, outcome = _KINDS[wanted]
    with transaction.atomic():
        question = approvals.lock_question(approval)
        if not approval.decide(wanted, by=asker.user, reason=reason):
            return False
        approvals.note(kind, outcome, approval, who=asker.who, reason=reason)
        if question is not None:
            question.wake()
    return True


def _go_on(approval: Approval, task: Task) -> None:
    if approval.question_id is None:
        return
    progress.publish(approval.question_id, "decided", **present.approval(approval))
    question_id = approval.question_id
    transaction.on_commit(lambda: work.start(task, question_id))


def _why_late(approval: Approval) -> str:
    if approval.state == Approval.State.WAITING:
        return "This came too late: the approval has expired."
    by = f" by {approval.decided_by.email}" if approval.decided_by else ""
    return f"There is nothing to decide: it was {approval.get_state_display().lower()}{by} already."
