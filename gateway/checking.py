"""May this call be made: decided on the real arguments, limited, checked, or refused on the record.

Nothing is sent from here; `gateway.calls` carries out what was checked.
"""

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import access, limits, violations
from accounts.errors import LimitReached as PersonLimitReached
from accounts.policy import Decision, Effect, Inputs
from audit import record
from audit.models import Entry
from audit.redact import redact
from gateway import errors
from gateway.asker import Asker
from gateway.models import Call, Door, Question
from gateway.toolbox import target_of, with_defaults
from registry import catalogue, schemas
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
class Checked:
    """A wish that may be carried out: the stored tool, the very arguments to send, why it may."""

    wish: Wish
    tool: Tool
    arguments: dict[str, Any]
    decision: Decision
    policy_version: str
    inputs: Inputs


def check(wish: Wish) -> Checked:
    """The wish with everything decided and checked; raises what `calls.call` says of nothing sent.

    Whatever is raised is on the record.
    """
    tool = catalogue.find(wish.server, wish.tool) if isinstance(wish.tool, str) else None
    if tool is None:
        raise _refuse_unknown(wish)
    arguments = with_defaults(tool, copy.deepcopy(dict(wish.arguments)))
    policy, version = access.current()
    inputs = Inputs(wish.asker.subject(), target_of(tool), timezone.now())
    decision = inputs.decide(policy, arguments)
    checked = Checked(wish, tool, arguments, decision, version, inputs)
    if decision.effect != Effect.ALLOW:
        raise refuse(checked)
    limit(checked)
    problems = schemas.validate(tool.input_schema, arguments)
    if problems:
        error = errors.BadArguments("; ".join(problems), field="arguments")
        raise write_refusal(checked, error)
    return checked


def limit(checked: Checked) -> None:
    """Count the call against its server's limit; raises LimitReached."""
    server = checked.tool.server
    try:
        limits.per_minute(f"server:{server.name}", server.requests_per_minute, server.burst)
    except PersonLimitReached as reached:
        raise write_refusal(checked, errors.LimitReached(str(reached))) from None


def _refuse_unknown(wish: Wish) -> errors.GatewayError:
    record.write(
        Entry.Kind.CALL_REFUSED,
        Entry.Outcome.REFUSED,
        who=wish.asker.who,
        question=question_of(wish),
        server=str(wish.server),
        tool=str(wish.tool),
        arguments=wish.arguments,
        error_code=errors.UnknownTool.code,
    )
    wish.show(
        "refused", server=str(wish.server), tool=str(wish.tool), reason="There is no such tool."
    )
    return errors.UnknownTool("There is no such tool.", field="tool")


def refuse(checked: Checked) -> errors.GatewayError:
    """Write the policy's no down: on the record, and in the journal the person sees."""
    asks = checked.decision.effect == Effect.ASK
    error = (errors.NeedsApproval if asks else errors.Refused)(checked.decision)
    wish = checked.wish
    with transaction.atomic():
        violations.begin(wish.asker.user)
        write_refusal(checked, error)
        violations.count(wish.asker.user, who=wish.asker.who)
        if wish.question is not None:
            Call.objects.update_or_create(
                question=wish.question,
                step=wish.step,
                defaults=journal(checked)
                # Not checked, so perhaps nothing that a database takes as it is.
                | {"arguments": redact(checked.arguments)}
                | {"state": Call.State.REFUSED, "error_code": error.code},
            )
    wish.show("refused", server=wish.server, tool=wish.tool, **error.details())
    return error


def write_refusal(checked: Checked, error: errors.GatewayError) -> errors.GatewayError:
    """Put on the record that the call is not made; the error comes back to be raised."""
    record.write(
        Entry.Kind.CALL_REFUSED,
        Entry.Outcome.REFUSED,
        error_code=error.code,
        detail={"message": error.message},
        **entry_of(checked),
    )
    return error


def journal(checked: Checked) -> dict[str, Any]:
    """The columns of the call's row as it begins."""
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


def entry_of(checked: Checked) -> dict[str, Any]:
    """What every entry about this call says."""
    return {
        "who": checked.wish.asker.who,
        "question": question_of(checked.wish),
        "server": checked.tool.server.name,
        "tool": checked.tool.name,
        "fingerprint": checked.tool.fingerprint,
        "arguments": checked.arguments,
        "decision": checked.decision.summary(),
        "policy_version": checked.policy_version,
        "inputs": checked.inputs.as_json(),
    }


def question_of(wish: Wish) -> str:
    return str(wish.question.pk) if wish.question else ""
