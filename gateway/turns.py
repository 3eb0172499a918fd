"""The model's turns as they are written down: the row that is replayed, and the entry."""

from typing import Any

from django.db import transaction

from audit import record
from audit.models import Entry
from audit.redact import redact
from gateway import errors
from gateway.llm.base import Reply
from gateway.models import Question, Turn
from gateway.offering import Offer
from gateway.run import Run


def write_down(run: Run, reply: Reply, *, number: int, offer: Offer, milliseconds: int) -> None:
    """Keep the turn, what it used and what it was offered, all or nothing.

    Raises LeaseLost when another worker has taken the question over: nothing is kept then.
    """
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
            milliseconds=milliseconds,
        )
        cost = run.spending.add(reply.model, reply.usage)
        run.spending.save()
        record.write(
            Entry.Kind.MODEL_TURN,
            Entry.Outcome.OK,
            who=run.asker.who,
            question=str(run.question.pk),
            policy_version=offer.policy_version,
            tokens=vars(reply.usage),
            cost=cost.amount,
            milliseconds=milliseconds,
            detail=_said(reply) | _offered(run, number, offer) | {"price": cost.row},
        )


def redact_turns(question: Question) -> None:
    """Take the secrets out of what the model said, once nobody has to repeat it word by word."""
    for turn in question.turns.all():
        safe = redact(turn.content)
        if safe != turn.content:
            question.turns.filter(pk=turn.pk).update(content=safe)


def _said(reply: Reply) -> dict[str, Any]:
    return {
        "model": reply.model,
        "stop": reply.stop,
        "attempts": reply.attempts,
        "asked_for": [use.name for use in reply.tool_uses],
    }


def _offered(run: Run, number: int, offer: Offer) -> dict[str, Any]:
    """What was offered; what was not is said once, and again when it has changed."""
    if run.withheld is None or run.withheld[1] != offer.withheld:
        run.withheld = (number, offer.withheld)
    said_in, withheld = run.withheld
    return {
        "turn": number,
        "offered": len(offer.tools),
        "down": list(offer.down),
        "withheld": withheld if said_in == number else {"as_in_turn": said_in},
    }
