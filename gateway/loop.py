"""Model and tools take turns until there is an answer, within bounds.

Everything is written down as it happens, so that another worker can go on where this one stopped: a
turn is replayed from its row, and a call that has been settled is never made again.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Length
from django.utils import timezone

from accounts.policy import STANDINGS
from gateway import calls, errors, lost, progress, prompt, results, retrieval, toolbox
from gateway.asker import Asker
from gateway.llm.base import (
    Model,
    ModelCancelled,
    ModelError,
    ModelTimedOut,
    Reply,
    Stop,
    ToolSpec,
    ToolUse,
    Usage,
    reply_of,
)
from gateway.models import Call, Door, Question, Turn
from gateway.reading import READ_RESULT, read_result
from gateway.spending import Spending
from registry import catalogue

TOOLS_AT_ONCE = 8
_STOP_WARNINGS = {
    Stop.MAX_TOKENS: "answer_cut",
    Stop.CONTEXT_FULL: "context_full",
    Stop.REFUSAL: "model_declined",
}


@dataclass(frozen=True)
class Ending:
    """How a question ended: the answer, and a warning when it is less than was asked for."""

    answer: str
    warning: str = ""


@dataclass
class Run:
    """One worker's work on one question. `stop` is set when the question was cancelled or lost."""

    question: Question
    asker: Asker
    model: Model
    stop: Event
    check: Callable[[], None]
    spending: Spending = field(init=False)
    messages: list[dict[str, Any]] = field(default_factory=list)
    _ids: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.spending = Spending(self.question)

    def show(self, kind: str, **data: Any) -> None:
        progress.publish(self.question.pk, kind, **data)

    def step_of(self, use: ToolUse) -> str:
        """What the journal calls this tool use: the model's id, numbered where it is not unique.

        Some servers of the Messages API count anew in every turn, or give no ids at all. Turns are
        replayed in their order, so a use has the same name again.
        """
        name = use.id[:100]
        self._ids[name] += 1
        return name if name and self._ids[name] == 1 else f"{name}#{self._ids[name]}"


def run(run: Run) -> Ending:
    """Answer the question. Raises a GatewayError when it cannot be answered."""
    earlier = prompt.earlier_in(run.question, limit=settings.CONTEXT_MESSAGES)
    run.messages = prompt.opening(run.question, earlier)
    reply = _replay(run)
    for number in range(_turns_taken(run) + 1, settings.QUESTION_MAX_TURNS + 1):
        if reply is not None and reply.stop not in (Stop.TOOL_USE, Stop.PAUSE):
            break
        reply = _take_turn(run, number)
        _answer_tool_uses(run, reply)
    if reply is None or reply.stop in (Stop.TOOL_USE, Stop.PAUSE):
        return _out_of_turns(reply)
    return _with_unknown_outcomes(run, Ending(reply.text, _STOP_WARNINGS.get(reply.stop, "")))


def _with_unknown_outcomes(run: Run, ending: Ending) -> Ending:
    """Say it when nobody knows what became of a call, whatever the model made of it."""
    unknown = run.question.calls.filter(state=Call.State.UNKNOWN)
    if not unknown:
        return ending
    names = ", ".join(f"{call.tool} on {call.server}" for call in unknown)
    note = f"Nobody knows whether this was carried out: {names}. It was not tried again."
    return Ending(f"{ending.answer}\n\n{note}".strip(), "outcome_unknown")


def _turns_taken(run: Run) -> int:
    return run.question.turns.count()


def _replay(run: Run) -> Reply | None:
    """Bring the messages to where an earlier worker left them; the last reply, if there was one."""
    reply = None
    for turn in run.question.turns.order_by("number"):
        usage = Usage(**turn.usage)
        reply = reply_of(turn.content, stop=turn.stop, usage=usage, model=turn.model)
        run.spending.add(reply.model, reply.usage)
        _answer_tool_uses(run, reply)
    return reply


def _take_turn(run: Run, number: int) -> Reply:
    run.check()
    run.spending.check()
    box = toolbox.open_for(run.asker)
    if box.subject.status != "active":
        raise errors.NotAllowed(f"This account {STANDINGS[box.subject.status]}.")
    offered = _offer(run, box)
    run.show("turn", number=number)
    started = time.monotonic()
    reply = _ask_model(run, offered, system=prompt.system(run.question, box.subject))
    with transaction.atomic():
        if not run.question.renew():
            raise errors.LeaseLost()
        Turn.objects.create(
            question=run.question,
            number=number,
            content=reply.content,
            stop=reply.stop,
            model=reply.model,
            usage=vars(reply.usage),
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        run.spending.add(reply.model, reply.usage)
        run.spending.save()
    return reply


def _offer(run: Run, box: toolbox.Toolbox) -> list[ToolSpec]:
    """The tools of this turn: what the person may use, and of very many the ones that matter."""
    offered = list(box.offered)
    if len(offered) > settings.TOOLS_PER_TURN:
        best = retrieval.rank(run.question.text, offered)[: settings.TOOLS_PER_TURN]
        offered = sorted((spec for spec, _ in best), key=lambda spec: spec.name)
    lengths = run.question.calls.values_list(Length("text"), flat=True)
    if any(length > settings.RESULT_MAX_CHARACTERS for length in lengths):
        offered.append(READ_RESULT)
    return offered


def _ask_model(run: Run, offered: Sequence[ToolSpec], *, system: str) -> Reply:
    deltas = progress.Deltas(lambda text: run.show("delta", text=text))

    def start_over() -> None:
        deltas.drop()
        run.show("restart")

    remaining = (run.question.deadline_at - timezone.now()).total_seconds()
    try:
        reply = run.model.turn(
            system=system,
            tools=offered,
            messages=run.messages,
            on_delta=deltas,
            deadline=time.monotonic() + min(remaining, settings.MODEL_TIMEOUT),
            cancelled=run.stop.is_set,
            on_restart=start_over,
        )
    except ModelCancelled:
        run.check()
        raise errors.Cancelled() from None
    except ModelTimedOut as error:
        run.check()
        raise errors.ModelFailed(error.message) from None
    except ModelError as error:
        raise errors.ModelFailed(error.message) from error
    deltas.flush()
    return reply


def _answer_tool_uses(run: Run, reply: Reply) -> None:
    """Add the turn to the messages, and after it the result of every tool it asked for."""
    run.messages.append({"role": "assistant", "content": reply.content})
    if not reply.tool_uses:
        return
    uses = [(use, run.step_of(use)) for use in reply.tool_uses]
    if len(uses) == 1:
        answered = [_result_block(run, *uses[0])]
    else:
        with ThreadPoolExecutor(min(len(uses), TOOLS_AT_ONCE)) as pool:
            answered = list(pool.map(lambda use: _in_thread(run, *use), uses))
    run.messages.append({"role": "user", "content": answered})


def _in_thread(run: Run, use: ToolUse, step: str) -> dict[str, Any]:
    try:
        return _result_block(run, use, step)
    finally:
        connection.close()


def _result_block(run: Run, use: ToolUse, step: str) -> dict[str, Any]:
    text, failed = _use_tool(run, use, step)
    return {"type": "tool_result", "tool_use_id": use.id, "content": text, "is_error": failed}


def _use_tool(run: Run, use: ToolUse, step: str) -> tuple[str, bool]:
    """What the model gets to read for one tool use, and whether it is an error."""
    if use.name == READ_RESULT.name:
        return read_result(run.question, use.arguments)
    earlier = run.question.calls.filter(step=step).first()
    if earlier is not None and earlier.state == Call.State.STARTED and not earlier.repeatable:
        lost.settle_lost(earlier, run.asker)
    if earlier is not None and earlier.state != Call.State.STARTED:
        return _as_result(earlier)
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
        return _as_result(calls.call(wish))
    except (errors.UnknownTool, errors.Refused):
        return _NO_SUCH_TOOL, True
    except errors.OutcomeUnknown:
        run.check()
        return _as_result(run.question.calls.get(step=wish.step))
    except (errors.BadArguments, errors.LimitReached, errors.UpstreamFailed) as error:
        run.check()
        return error.message, True


_NO_SUCH_TOOL = "There is no such tool."


def _as_result(call: Call) -> tuple[str, bool]:
    if call.state == Call.State.REFUSED:
        return _NO_SUCH_TOOL, True
    if call.state == Call.State.UNKNOWN:
        return "The outcome of this call is unknown. Do not repeat it; tell the person.", True
    text = results.for_model(
        call.text,
        server=call.server,
        tool=call.tool,
        call=str(call.id),
        limit=settings.RESULT_MAX_CHARACTERS,
    )
    return text, call.state == Call.State.FAILED


def _out_of_turns(reply: Reply | None) -> Ending:
    said = f"{reply.text}\n\n" if reply and reply.text else ""
    note = f"I stopped after {settings.QUESTION_MAX_TURNS} turns without a final answer."
    return Ending(said + note, "max_iterations_reached")
