"""The one door to a tool.

Whoever wants a tool called comes through `call`: the loop, REST, Slack, the command line, MCP
clients.
Decide on the real arguments → limit → check the arguments → record "calling" → MCP → record
"called". The record is committed before anything leaves; what cannot be recorded is not called.
"""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import access, limits
from accounts.errors import LimitReached as PersonLimitReached
from accounts.policy import Decision, Effect, Inputs
from audit import record
from audit.models import Entry
from audit.redact import redact, redact_text
from gateway import errors, lost, results
from gateway.asker import Asker
from gateway.models import Call, Door, Question
from gateway.toolbox import target_of, with_defaults
from registry import calling, schemas
from registry.errors import RegistryError
from registry.mcp.errors import UpstreamError
from registry.models import Tool

Show = Callable[..., None]


def show_nobody(_kind: str, **_data: Any) -> None:
    """For a door that shows no live steps."""


@dataclass(frozen=True)
class Wish:
    """A call somebody wants: nothing in it has been decided or checked yet."""

    asker: Asker
    door: Door
    server: str
    tool: str
    arguments: Mapping[str, Any]
    question: Question | None = None
    step: str = ""
    timeout: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    show: Show = show_nobody


@dataclass(frozen=True)
class _Checked:
    """A wish that may be carried out: the stored tool, the very arguments to send, why it may."""

    wish: Wish
    tool: Tool
    arguments: dict[str, Any]
    decision: Decision
    policy_version: str
    inputs: Inputs


def call(wish: Wish) -> Call:
    """Carry the wish out and return its journal row, settled.

    The row's state is `done`, or `failed` when the tool itself said so. Raises UnknownTool,
    Refused,
    NeedsApproval, LimitReached, BadArguments (nothing was sent), UpstreamFailed (not carried out,
    or declared harmless) or OutcomeUnknown (sent, and nobody knows). All of them are on the record.
    """
    checked = _check(wish)
    row = _begin(checked)
    started = time.monotonic()
    try:
        result = calling.call(
            checked.tool.server,
            checked.tool,
            checked.arguments,
            timeout=wish.timeout,
            cancelled=wish.cancelled,
        )
    except (UpstreamError, RegistryError) as error:
        raise _settle_error(row, checked, error, milliseconds=_since(started)) from None
    except Exception:
        # Nobody foresaw this one; it may have come after the tool ran.
        lost.settle_lost(row, wish.asker)
        raise
    _settle(row, checked, result, milliseconds=_since(started))
    return row


def _check(wish: Wish) -> _Checked:
    tool = (
        Tool.objects.select_related("server")
        .filter(server__name=wish.server, name=wish.tool)
        .first()
    )
    if tool is None or not isinstance(wish.tool, str):
        raise _refuse_unknown(wish)
    arguments = with_defaults(tool, copy.deepcopy(dict(wish.arguments)))
    policy, version = access.current()
    inputs = Inputs(wish.asker.subject(), target_of(tool), timezone.now())
    decision = inputs.decide(policy, arguments)
    checked = _Checked(wish, tool, arguments, decision, version, inputs)
    if decision.effect != Effect.ALLOW:
        raise _refuse(checked)
    _limit(checked)
    problems = schemas.validate(tool.input_schema, arguments)
    if problems:
        error = errors.BadArguments("; ".join(problems), field="arguments")
        raise _write_refusal(checked, error)
    return checked


def _limit(checked: _Checked) -> None:
    server = checked.tool.server
    try:
        limits.per_minute(f"server:{server.name}", server.requests_per_minute, server.burst)
    except PersonLimitReached as reached:
        raise _write_refusal(checked, errors.LimitReached(str(reached))) from None


def _refuse_unknown(wish: Wish) -> errors.GatewayError:
    record.write(
        Entry.Kind.CALL_REFUSED,
        Entry.Outcome.REFUSED,
        who=wish.asker.who,
        question=_question_id(wish),
        server=str(wish.server),
        tool=str(wish.tool),
        arguments=wish.arguments,
        error_code=errors.UnknownTool.code,
    )
    wish.show(
        "refused", server=str(wish.server), tool=str(wish.tool), reason="There is no such tool."
    )
    return errors.UnknownTool("There is no such tool.", field="tool")


def _refuse(checked: _Checked) -> errors.GatewayError:
    """Write the policy's no down: on the record, and in the journal the person sees."""
    asks = checked.decision.effect == Effect.ASK
    error = (errors.NeedsApproval if asks else errors.Refused)(checked.decision)
    wish = checked.wish
    with transaction.atomic():
        _write_refusal(checked, error)
        if wish.question is not None:
            Call.objects.update_or_create(
                question=wish.question,
                step=wish.step,
                defaults=_journal(checked)
                # Not checked, so perhaps nothing that a database takes as it is.
                | {"arguments": redact(checked.arguments)}
                | {"state": Call.State.REFUSED, "error_code": error.code},
            )
    wish.show("refused", server=wish.server, tool=wish.tool, **error.details())
    return error


def _write_refusal(checked: _Checked, error: errors.GatewayError) -> errors.GatewayError:
    record.write(
        Entry.Kind.CALL_REFUSED,
        Entry.Outcome.REFUSED,
        error_code=error.code,
        detail={"message": error.message},
        **_entry(checked),
    )
    return error


def _begin(checked: _Checked) -> Call:
    """Commit the journal row and the entry `calling`: from here on a crash leaves a trace."""
    wish = checked.wish
    with transaction.atomic():
        if wish.question is not None and not wish.question.renew():
            raise errors.LeaseLost()
        if wish.question is not None and wish.step:
            row, _ = Call.objects.update_or_create(
                question=wish.question, step=wish.step, defaults=_journal(checked)
            )
        else:
            row = Call.objects.create(**_journal(checked))
        record.write(
            Entry.Kind.CALL_CALLING, Entry.Outcome.PENDING, call=str(row.id), **_entry(checked)
        )
    wish.show(
        "calling", call=str(row.id), server=wish.server, tool=wish.tool, arguments=row.arguments
    )
    return row


def _journal(checked: _Checked) -> dict[str, Any]:
    wish, tool = checked.wish, checked.tool
    return {
        "person": wish.asker.user,
        "door": wish.door,
        "server": tool.server.name,
        "tool": tool.name,
        "fingerprint": tool.fingerprint,
        "arguments": checked.arguments,
        "repeatable": tool.declares_idempotent,
        "state": Call.State.STARTED,
        "decision": checked.decision.summary(),
        "question": wish.question,
    }


def _entry(checked: _Checked) -> dict[str, Any]:
    return {
        "who": checked.wish.asker.who,
        "question": _question_id(checked.wish),
        "server": checked.tool.server.name,
        "tool": checked.tool.name,
        "fingerprint": checked.tool.fingerprint,
        "arguments": checked.arguments,
        "decision": checked.decision.summary(),
        "policy_version": checked.policy_version,
        "inputs": checked.inputs.as_json(),
    }


def _question_id(wish: Wish) -> str:
    return str(wish.question.pk) if wish.question else ""


def _settle(row: Call, checked: _Checked, result: Mapping[str, Any], *, milliseconds: int) -> None:
    failed = result.get("isError") is True
    row.state = Call.State.FAILED if failed else Call.State.DONE
    row.text = redact_text(results.as_text(result)).replace("\x00", "\ufffd")
    row.error_code = "tool_failed" if failed else ""
    outcome = Entry.Outcome.FAILED if failed else Entry.Outcome.OK
    _close(row, checked, outcome, milliseconds=milliseconds, result=row.text)


def _settle_error(
    row: Call, checked: _Checked, error: UpstreamError | RegistryError, *, milliseconds: int
) -> errors.GatewayError:
    message = redact_text(str(error))
    unknown = getattr(error, "executed", "no") == "unknown" and not row.repeatable
    row.state = Call.State.UNKNOWN if unknown else Call.State.FAILED
    row.text, row.error_code = message, error.code
    outcome = Entry.Outcome.UNKNOWN if unknown else Entry.Outcome.FAILED
    _close(row, checked, outcome, milliseconds=milliseconds, detail={"message": message})
    return (errors.OutcomeUnknown if unknown else errors.UpstreamFailed)(message)


def _close(
    row: Call, checked: _Checked, outcome: Entry.Outcome, *, milliseconds: int, **written: Any
) -> None:
    row.milliseconds, row.finished_at = milliseconds, timezone.now()
    with transaction.atomic():
        row.save(update_fields=["state", "text", "error_code", "milliseconds", "finished_at"])
        record.write(
            Entry.Kind.CALL_CALLED,
            outcome,
            call=str(row.id),
            milliseconds=milliseconds,
            error_code=row.error_code,
            **_entry(checked),
            **written,
        )
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
