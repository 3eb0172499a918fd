"""A call that needs somebody's yes: asked for once, and the yes used up by exactly that call.

The yes is bound to a digest of server, tool, fingerprint, arguments, person and policy version.
Whatever of these has changed when the call is made, the yes was for another call: nothing is sent.
Who decides, and how, is `gateway.deciding`.
"""

from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access, authority
from accounts.models import User
from accounts.policy import Decision, Effect
from audit import chain, record
from audit.models import Entry
from audit.record import Who
from audit.redact import redact
from gateway import errors, present
from gateway.checking import Checked, entry_of, turn_down, write_refusal
from gateway.models import Approval, Call, Question
from registry import catalogue

# Nobody says yes to what they cannot read.
MOST_CHARACTERS = 50_000
# Of one person at a time, so that nobody is worn down into saying yes.
MOST_WAITING = 20

State = Approval.State


def standing(checked: Checked) -> Approval:
    """The approval that this call may use up.

    Raises NeedsApproval (somebody must decide first; they are asked, once), ApprovalRefused or
    ApprovalExpired (somebody did, or nobody in time), ApprovalInvalid (it is for another call, or
    was used), LimitReached and BadArguments (it is not asked).
    """
    wish, digest = checked.wish, digest_of(checked)
    if wish.approval is not None:
        approval = _brought(checked, digest)
    elif wish.question is not None:
        approval = _of_step(checked, digest) or _ask(checked, digest)
    else:
        found = _of_call(checked, digest)
        approval = found or _ask(checked, digest)
        if not wish.picks_up or approval.state == State.WAITING:
            raise _needed(checked, approval, again=found is not None)
    if approval.state != State.APPROVED:
        raise _missing(checked, approval)
    return approval


def redeem(approval: Approval, call: Call) -> None:
    """Use the yes up, in the transaction that begins the call; raises ApprovalInvalid."""
    if not approval.use(call):
        raise errors.ApprovalInvalid("This approval is used up, or came too late.")


def digest_of(checked: Checked) -> str:
    """What a yes is bound to."""
    tool = checked.tool
    called = [tool.server.name, tool.name, tool.fingerprint, checked.arguments]
    return chain.digest([*called, checked.wish.asker.user.pk, checked.policy_version])


def outdated_because(approval: Approval) -> str:
    """Why a yes would be worth nothing by now; empty while it would be worth something."""
    tool = catalogue.find(approval.server, approval.tool)
    if tool is None or tool.fingerprint != approval.fingerprint:
        return "The tool has changed since this was asked."
    if access.current()[1] != approval.policy_version:
        return "The policy has changed since this was asked."
    return ""


def may_decide(user: User, approval: Approval) -> bool:
    """Whether this person may say yes or no: with the right, and never to a call of their own."""
    return not why_not(user, approval)


def why_not(user: User, approval: Approval) -> str:
    """Why this person may not decide, as a sentence for them; empty when they may."""
    if approval.person_id == user.pk:
        return "You asked for this yourself; somebody else has to decide."
    return "" if decides(user) else "You may not decide on other people's calls."


def decides(user: User) -> bool:
    """Whether this person may decide on other people's calls at all."""
    return authority.has(user, authority.Right.APPROVE_CALLS)


def expire(approval: Approval) -> bool:
    """End an approval whose time has passed, on the record; its question goes on."""
    with transaction.atomic():
        question = lock_question(approval)
        if not Approval.objects.filter(pk=approval.pk).overdue().update(state=State.EXPIRED):
            return False
        who = Who(person=approval.person.email, door=approval.door)
        note(Entry.Kind.APPROVAL_EXPIRED, Entry.Outcome.EXPIRED, approval, who=who)
        if question is not None:
            question.wake()
    approval.state = State.EXPIRED
    return True


def lock_question(approval: Approval) -> Question | None:
    """The question of an approval, locked: its worker parks it only when nothing was decided."""
    if approval.question_id is None:
        return None
    return Question.objects.select_for_update().filter(pk=approval.question_id).first()


def note(
    kind: Entry.Kind,
    outcome: Entry.Outcome,
    approval: Approval,
    *,
    who: Who,
    error_code: str = "",
    **detail: object,
) -> None:
    """An entry about an approval after it was asked."""
    told = {"approval": str(approval.pk), "asked_by": approval.person.email}
    record.write(
        kind,
        outcome,
        who=who,
        question=str(approval.question_id or ""),
        server=approval.server,
        tool=approval.tool,
        fingerprint=approval.fingerprint,
        arguments=approval.arguments,
        policy_version=approval.policy_version,
        error_code=error_code,
        detail=told | detail,
    )


# --- Asking ---------------------------------------------------------------------------------------
def _ask(checked: Checked, digest: str) -> Approval:
    wish, tool = checked.wish, checked.tool
    _check_askable(checked)
    columns = {
        "person": wish.asker.user,
        "door": wish.door,
        "server": tool.server.name,
        "tool": tool.name,
        "arguments": redact(checked.arguments),
        "fingerprint": tool.fingerprint,
        "policy_version": checked.policy_version,
        "decision": checked.decided,
        "expires_at": timezone.now() + timedelta(hours=settings.APPROVAL_HOURS),
    }
    place = {"question": wish.question, "step": wish.step, "digest": digest}
    with transaction.atomic():
        if wish.question is not None and not wish.question.renew():
            raise errors.LeaseLost()
        approval, is_new = Approval.objects.get_or_create(
            **place, state=State.WAITING, defaults=columns
        )
        if is_new:
            said = entry_of(
                checked, approval=str(approval.pk), until=approval.expires_at.isoformat()
            )
            record.write(Entry.Kind.APPROVAL_ASKED, Entry.Outcome.PENDING, **said)
    return approval


def _check_askable(checked: Checked) -> None:
    characters = len(chain.canonical(checked.arguments))
    if characters > MOST_CHARACTERS:
        message = (
            f"Somebody must approve this call, and nobody reads {characters} characters of"
            f" arguments; at most {MOST_CHARACTERS} are taken."
        )
        raise turn_down(checked, errors.BadArguments(message, field="arguments"))
    waiting = Approval.objects.waiting().filter(person=checked.wish.asker.user).count()
    if waiting >= MOST_WAITING:
        message = f"{waiting} of your calls wait for approval already; more are not taken."
        raise turn_down(checked, errors.LimitReached(message))


# --- Finding what was decided ---------------------------------------------------------------------
def _of_call(checked: Checked, digest: str) -> Approval | None:
    """What was asked for this very call, made directly, and is still open.

    For one that picks up what was decided, also a no, for as long as the question would have stood.
    """
    rows = Approval.objects.select_related("person", "decided_by__role")
    asked = rows.filter(question=None, digest=digest)
    if not checked.wish.picks_up:
        found = asked.open().first()
        return None if found is None or expire(found) else found
    found = asked.filter(state__in=(*Approval.OPEN, State.REFUSED)).first()
    if found is None or expire(found) or found.expires_at <= timezone.now():
        return None
    if why := _undecided(found):
        _outdate(checked, found, why)
        return None
    return found


def _of_step(checked: Checked, digest: str) -> Approval | None:
    """What was asked for this step of the question, or refused to the same call in it earlier."""
    rows = Approval.objects.select_related("person", "decided_by__role")
    rows = rows.filter(question=checked.wish.question)
    own = rows.filter(step=checked.wish.step, state__in=Approval.IN_FORCE).first()
    if own is None:
        no = (State.REFUSED, State.EXPIRED)
        return rows.filter(digest=digest, state__in=no).first()
    expire(own)
    why = _unlike(checked, own, digest) or _undecided(own)
    if own.state in Approval.OPEN and why:
        _outdate(checked, own, why)
        return None
    return own


def _brought(checked: Checked, digest: str) -> Approval:
    """The approval that a direct call names, when it is for this very call of this person."""
    rows = Approval.objects.select_related("person", "decided_by__role").filter(question=None)
    named = str(checked.wish.approval)
    found = rows.filter(pk=named, person=checked.wish.asker.user).first()
    if found is None:
        why = "You have no such approval."
    else:
        expire(found)
        why = _unlike(checked, found, digest) or _undecided(found)
    if found is None or why:
        error = errors.ApprovalInvalid(why, field="approval")
        write_refusal(checked, error, approval=named)
        raise error
    return found


def _unlike(checked: Checked, approval: Approval, digest: str) -> str:
    """In what the call is another than the one that was asked for; empty when in nothing."""
    tool = checked.tool
    if (approval.server, approval.tool) != (tool.server.name, tool.name):
        return "This approval is for another tool."
    if approval.fingerprint != tool.fingerprint:
        return "The tool has changed since this was asked."
    if approval.policy_version != checked.policy_version:
        return "The policy has changed since this was asked."
    return "" if approval.digest == digest else "This approval is for other arguments."


def _undecided(approval: Approval) -> str:
    """Why a yes does not count any more: who gave it may not by now."""
    if approval.state != State.APPROVED:
        return ""
    by = approval.decided_by
    valid = by is not None and may_decide(by, approval)
    return "" if valid else "Whoever approved this may not approve any more."


def _outdate(checked: Checked, approval: Approval, why: str) -> None:
    error = errors.ApprovalInvalid(why)
    with transaction.atomic():
        if approval.close(State.OUTDATED):
            write_refusal(checked, error, approval=str(approval.pk))


# --- Saying what is missing -----------------------------------------------------------------------
def _needed(checked: Checked, approval: Approval, *, again: bool) -> errors.NeedsApproval:
    error = errors.NeedsApproval(checked.decision, present.approval(approval), checked.decision_id)
    if again:
        write_refusal(checked, error, approval=str(approval.pk))
    return error


def _missing(checked: Checked, approval: Approval) -> errors.GatewayError:
    """The error for an approval that is not a yes."""
    if approval.state == State.WAITING:
        return _needed(checked, approval, again=checked.wish.approval is not None)
    checked = replace(checked, approval=approval)
    if approval.state == State.REFUSED:
        said = "A person refused this call" + (f": {approval.reason}" if approval.reason else ".")
        return turn_down(checked, errors.ApprovalRefused(_no(checked, said), checked.decision_id))
    if approval.state == State.EXPIRED:
        said = "Nobody approved this call in time, so it was not made."
        if approval.decided_by is not None:
            said = "This call was approved, but could not be made in time."
        return turn_down(checked, errors.ApprovalExpired(_no(checked, said), checked.decision_id))
    error = errors.ApprovalInvalid(f"This approval is {approval.get_state_display()}.")
    return turn_down(checked, error)


def _no(checked: Checked, reason: str) -> Decision:
    """The policy's question with the person's answer to it."""
    return replace(checked.decision, effect=Effect.DENY, reason=reason, fix="")
