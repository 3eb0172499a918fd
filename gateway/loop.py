"""Model and tools take turns until there is an answer, within bounds.

Everything is written down as it happens, so that another worker can go on where this one stopped: a
turn is replayed from its row, and a call that has been settled is never made again. So a question
that waited for approval goes on, too.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from accounts.policy import STANDINGS
from gateway import errors, offering, progress, prompt, tool_uses, toolbox, turns
from gateway.llm.base import (
    ModelCancelled,
    ModelError,
    ModelTimedOut,
    Reply,
    Stop,
    ToolSpec,
    Usage,
    reply_of,
)
from gateway.models import Call
from gateway.run import Run

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


def run(run: Run) -> Ending:
    """Answer the question. Raises Parked, or a GatewayError when it cannot be answered."""
    earlier = prompt.earlier_in(run.question, limit=settings.CONTEXT_MESSAGES)
    run.messages = prompt.opening(run.question, earlier)
    reply = _replay(run)
    for number in range(_turns_taken(run) + 1, settings.QUESTION_MAX_TURNS + 1):
        if reply is not None and not goes_on(reply):
            break
        reply = _take_turn(run, number)
        tool_uses.answer(run, reply)
    return ending_of(reply, run.question.calls.filter(state=Call.State.UNKNOWN))


def ending_of(reply: Reply | None, unknown: Collection[Call]) -> Ending:
    """What the last turn ends a question with; `unknown` are calls of unknown outcome."""
    if reply is None or goes_on(reply):
        return _out_of_turns(reply)
    return _with_unknown_outcomes(unknown, Ending(reply.text, _STOP_WARNINGS.get(reply.stop, "")))


def goes_on(reply: Reply) -> bool:
    """Whether the model is to take another turn."""
    return reply.stop in (Stop.TOOL_USE, Stop.PAUSE)


def _with_unknown_outcomes(unknown: Collection[Call], ending: Ending) -> Ending:
    """Say it when nobody knows what became of a call, whatever the model made of it."""
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
        tool_uses.answer(run, reply)
    return reply


def _take_turn(run: Run, number: int) -> Reply:
    run.check()
    run.spending.check()
    box = toolbox.open_for(run.asker)
    if box.subject.status != "active":
        raise errors.NotAllowed(f"This account {STANDINGS[box.subject.status]}.")
    offer = offering.offer(run.question, box)
    run.show("turn", number=number)
    started = time.monotonic()
    reply = _ask_model(run, offer.tools, system=prompt.system(run.question, box.subject))
    milliseconds = round((time.monotonic() - started) * 1000)
    turns.write_down(run, reply, number=number, offer=offer, milliseconds=milliseconds)
    return reply


def _ask_model(run: Run, offered: Sequence[ToolSpec], *, system: str) -> Reply:
    deltas = progress.Deltas(lambda text: run.show("delta", text=text))

    def start_over() -> None:
        deltas.drop()
        run.show("restart")

    remaining = (run.question.deadline_at - timezone.now()).total_seconds()
    try:
        with run.spending.turn(run.model.name, [system, *offered, *run.messages]):
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
    run.spending.hear(reply.usage)
    return reply


def _out_of_turns(reply: Reply | None) -> Ending:
    said = f"{reply.text}\n\n" if reply and reply.text else ""
    note = f"I stopped after {settings.QUESTION_MAX_TURNS} turns without a final answer."
    return Ending(said + note, "max_iterations_reached")
