"""The one door to a tool.

Whoever wants a tool called comes through `call`: the loop, REST, Slack, the command line, MCP
clients.
Decide on the real arguments → limit → check the arguments → use up the approval, where one is
needed → record "calling" → MCP → record "called". The record is committed before anything leaves;
what cannot be recorded is not called.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit import randomness, record, together
from audit.models import Entry
from audit.redact import redact_text
from audit.statements import insert
from gateway import approvals, errors, fallback, lost, results
from gateway.checking import (
    Checked,
    Wish,
    check,
    detail_of,
    entry_of,
    journal,
    limit,
    turn_down,
)
from gateway.models import Call
from registry import calling
from registry.errors import BreakerOpen, NotConnected, RegistryError, ServerBusy
from registry.mcp.errors import BadArguments, Rejected, UpstreamError

__all__ = ["Made", "Wish", "call", "make"]

# What is known of a call only when it has ended.
SETTLED = ("state", "text", "error_code", "milliseconds", "finished_at")


@dataclass(frozen=True)
class Made:
    """A call that was made: its journal row, settled, and the result as its server sent it."""

    row: Call
    result: Mapping[str, Any]


def call(wish: Wish) -> Call:
    """Carry the wish out and return its journal row; it ends and raises as `make` does."""
    return make(wish).row


def make(wish: Wish) -> Made:
    """Carry the wish out.

    The row's state is `done`, or `failed` when the tool itself said so. Raises UnknownTool,
    Refused, NotConnected, NeedsApproval (it is asked), ApprovalInvalid, LimitReached, BadArguments
    (nothing was sent), UpstreamFailed (not carried out, or declared harmless) or OutcomeUnknown
    (sent, and nobody knows). All of them are on the record. PutOff is not: the call is still to be
    made. Where another server stands in for one that could not be reached, it is that call's.
    """
    checked = _approved(check(wish))
    begun = _begin(checked)
    row = begun.row
    started = time.monotonic()
    try:
        result = calling.call(
            checked.tool.server,
            checked.tool,
            checked.arguments,
            person=wish.asker.user.pk,
            timeout=wish.timeout,
            cancelled=wish.cancelled,
            once=checked.approval is not None,
            behalf=wish.behalf,
        )
    except (UpstreamError, RegistryError) as error:
        told = _settle_error(begun, error, milliseconds=_since(started))
        return _from_another(fallback.instead(checked, row, error), told)
    except Exception:
        # Nobody foresaw this one; it may have come after the tool ran.
        lost.settle_lost(row, wish.asker)
        raise
    _settle(begun, result, milliseconds=_since(started))
    return Made(row, result)


def _from_another(wish: Wish | None, told: errors.GatewayError) -> Made:
    """What the server that stands in gave. Raises what is told of the first where it gave none."""
    if wish is None:
        raise told from None
    try:
        return make(wish)
    except fallback.NOTHING_GIVEN:
        raise told from None


def _approved(checked: Checked) -> Checked:
    """The same with the approval it needs, if it needs one."""
    if not checked.asks:
        return checked
    checked = replace(checked, approval=approvals.standing(checked))
    limit(checked)
    return checked


@dataclass(frozen=True)
class _Begun:
    """A call that is on record, and not yet made or not yet settled: its row, and its entry."""

    checked: Checked
    row: Call
    entry: Entry


def _begin(checked: Checked) -> _Begun:
    """Commit the journal row and the entry `calling`: from here on a crash leaves a trace."""
    wish = checked.wish
    try:
        stands_alone = wish.question is None and checked.approval is None
        begun = _begin_with_others(checked) if stands_alone else _begin_by_itself(checked)
    except errors.ApprovalInvalid as error:
        raise turn_down(checked, error) from None
    row = begun.row
    wish.show(
        "calling", call=str(row.id), server=wish.server, tool=wish.tool, arguments=row.arguments
    )
    return begun


def _begin_with_others(checked: Checked) -> _Begun:
    """A call that changes no other row is committed with whatever calls begin meanwhile."""
    row = Call(id=randomness.uuid4(), **journal(checked))
    begun = _Begun(checked, row, _calling(checked, row))
    together.commit(together.Write([begun.entry], added=[row]))
    return begun


def _begin_by_itself(checked: Checked) -> _Begun:
    """With what else has to happen for it: the question's lease renewed, the approval used up."""
    wish = checked.wish
    with transaction.atomic():
        if wish.question is not None and not wish.question.renew():
            raise errors.LeaseLost()
        if wish.question is not None and wish.step:
            row, _ = Call.objects.update_or_create(
                question=wish.question, step=wish.step, defaults=journal(checked)
            )
        else:
            row = Call(id=randomness.uuid4(), **journal(checked))
            insert([row])
        if checked.approval is not None:
            approvals.redeem(checked.approval, row)
        [entry] = record.write_many([_calling(checked, row)])
    return _Begun(checked, row, entry)


def _calling(checked: Checked, row: Call) -> Entry:
    return record.prepare(
        Entry.Kind.CALL_CALLING, Entry.Outcome.PENDING, call=str(row.id), **entry_of(checked)
    )


def _settle(begun: _Begun, result: Mapping[str, Any], *, milliseconds: int) -> None:
    row, failed = begun.row, result.get("isError") is True
    row.state = Call.State.FAILED if failed else Call.State.DONE
    row.text = redact_text(results.as_text(result)).replace("\x00", "\ufffd")
    row.error_code = "tool_failed" if failed else ""
    outcome = Entry.Outcome.FAILED if failed else Entry.Outcome.OK
    _close(begun, outcome, milliseconds=milliseconds)


def _settle_error(
    begun: _Begun, error: UpstreamError | RegistryError, *, milliseconds: int
) -> errors.GatewayError:
    row = begun.row
    told = _told(error, unknown=error.executed == "unknown" and not row.repeatable)
    unknown = isinstance(told, errors.OutcomeUnknown)
    row.state = Call.State.UNKNOWN if unknown else Call.State.FAILED
    row.text, row.error_code = told.message, error.code
    outcome = Entry.Outcome.UNKNOWN if unknown else Entry.Outcome.FAILED
    _close(begun, outcome, milliseconds=milliseconds, message=told.message)
    return told


def _told(error: UpstreamError | RegistryError, *, unknown: bool) -> errors.GatewayError:
    """The error as the person and the doors are told it."""
    if isinstance(error, NotConnected):
        return errors.NotConnected(error.server, again=error.again)
    message = redact_text(str(error))
    if unknown:
        return errors.OutcomeUnknown(message)
    if isinstance(error, BadArguments):
        return errors.BadArguments(message, field="arguments")
    if isinstance(error, BreakerOpen):
        return errors.ServerUnavailable(message, seconds=error.retry_after)
    if isinstance(error, ServerBusy):
        return errors.ServerBusy(message)
    return errors.UpstreamFailed(message, rejected=error if isinstance(error, Rejected) else None)


def _close(begun: _Begun, outcome: Entry.Outcome, *, milliseconds: int, message: str = "") -> None:
    row, checked = begun.row, begun.checked
    row.milliseconds, row.finished_at = milliseconds, timezone.now()
    entry = record.follow(
        begun.entry,
        Entry.Kind.CALL_CALLED,
        outcome,
        milliseconds=milliseconds,
        error_code=row.error_code,
        result=None if message else row.text,
        detail=detail_of(checked, **({"message": message} if message else {})),
    )
    together.commit(together.Write([entry], changed=[(row, SETTLED)]))
    checked.wish.show(
        "called",
        call=str(row.id),
        server=row.server,
        tool=row.tool,
        state=row.state,
        milliseconds=milliseconds,
        preview=results.preview(row.text),
    )


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
