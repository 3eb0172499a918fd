"""What the model gets to read for each tool it asked for, and what makes a question wait.

A use that was settled is answered from its row, whoever works on the question now. Where several
stand side by side, those that are allowed are made, and those that need approval wait together. The
question goes on with each decision: what was approved is made then, however long the others take.
What its server's limit does not let through at that moment waits too, with its approval.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from gateway import calls, errors, fallback, lost, results
from gateway.checking import NO_SUCH_TOOL
from gateway.llm.base import Reply, ToolUse
from gateway.models import Call, Door
from gateway.reading import READ_RESULT, read_result
from gateway.run import Run
from registry import catalogue

TOOLS_AT_ONCE = 8
Waits = errors.NeedsApproval | errors.PutOff
# What goes back to the model in the error's own words.
_TOLD = (
    errors.BadArguments,
    errors.LimitReached,
    errors.ApprovalInvalid,
    errors.NotConnected,
    errors.UpstreamFailed,
)
_BY_PEOPLE = (errors.ApprovalRefused.code, errors.ApprovalExpired.code)
# Of these nothing was sent. What a server said of a failure is shown as what it is: data.
_TOLD_CODES = tuple(error.code for error in _TOLD[:4])


class Parked(Exception):
    """The question cannot go on before these are decided on, or have room at their server."""

    def __init__(self, approvals: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"{len(approvals)} calls wait")
        self.approvals = approvals


def answer(run: Run, reply: Reply) -> None:
    """Add the turn to the messages, and after it the result of every tool it asked for.

    Raises Parked when some of them need somebody's yes; the others are made and settled by then.
    """
    run.messages.append({"role": "assistant", "content": reply.content})
    if not reply.tool_uses:
        return
    uses = [(use, run.step_of(use)) for use in reply.tool_uses]
    if len(uses) == 1:
        answered = [_outcome(run, *uses[0])]
    else:
        with ThreadPoolExecutor(min(len(uses), TOOLS_AT_ONCE)) as pool:
            answered = list(pool.map(lambda use: _in_thread(run, *use), uses))
    waiting = [one.approval for one in answered if isinstance(one, Waits)]
    if waiting:
        raise Parked(waiting)
    run.messages.append({"role": "user", "content": answered})


def _in_thread(run: Run, use: ToolUse, step: str) -> dict[str, Any] | Waits:
    try:
        return _outcome(run, use, step)
    finally:
        connection.close()


def _outcome(run: Run, use: ToolUse, step: str) -> dict[str, Any] | Waits:
    """The block that answers one tool use, or what it waits for."""
    try:
        text, failed = _use_tool(run, use, step)
    except (errors.NeedsApproval, errors.PutOff) as waits:
        return waits
    return {"type": "tool_result", "tool_use_id": use.id, "content": text, "is_error": failed}


def _use_tool(run: Run, use: ToolUse, step: str) -> tuple[str, bool]:
    """What the model gets to read for one tool use, and whether it is an error."""
    if use.name == READ_RESULT.name:
        return read_result(run.question, use.arguments)
    earlier = run.question.calls.filter(step=step).first()
    earlier = earlier and fallback.last_of(earlier)
    if earlier is not None and earlier.state == Call.State.STARTED and not earlier.repeatable:
        lost.settle_lost(earlier, run.asker)
    if earlier is not None and earlier.state != Call.State.STARTED:
        return as_result(earlier)
    run.check()
    # Not only among the offered: a refusal must be on the record with its layer and rule.
    tool = catalogue.find_qualified(use.name)
    server, name = (tool.server.name, tool.name) if tool else ("", use.name)
    wish = calls.Wish(
        asker=run.asker,
        door=Door(run.question.door),
        server=server,
        tool=name,
        arguments=use.arguments,
        question=run.question,
        step=step,
        timeout=(run.question.deadline_at - timezone.now()).total_seconds(),
        cancelled=run.stop,
        show=run.show,
    )
    return _carry_out(run, wish)


def _carry_out(run: Run, wish: calls.Wish) -> tuple[str, bool]:
    try:
        return as_result(calls.call(wish))
    except (errors.NeedsApproval, errors.PutOff):
        raise
    except (errors.UnknownTool, errors.Refused):
        return as_result(run.question.calls.get(step=wish.step))
    except errors.OutcomeUnknown:
        run.check()
        return as_result(run.question.calls.get(step=wish.step))
    except _TOLD as error:
        run.check()
        return error.message, True


def as_result(call: Call) -> tuple[str, bool]:
    """What the model gets to read of a settled call, and whether it is an error."""
    if call.error_code in _BY_PEOPLE:
        # It was offered, so the model may know; it is not to try again.
        return str(call.decision.get("reason", "")), True
    if call.state == Call.State.REFUSED:
        return NO_SUCH_TOOL, True
    if call.error_code in _TOLD_CODES:
        return call.text, True
    if call.state == Call.State.UNKNOWN:
        return "The outcome of this call is unknown. Do not repeat it; tell the person.", True
    note = fallback.told(call)
    text = results.for_model(
        f"[{note}]\n{call.text}" if note else call.text,
        server=call.server,
        tool=call.tool,
        call=str(call.id),
        limit=settings.RESULT_MAX_CHARACTERS,
    )
    return text, call.state == Call.State.FAILED
