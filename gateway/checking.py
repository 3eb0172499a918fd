"""May this call be made: decided on the real arguments, limited, checked, or refused on the record.

Nothing is sent from here; `gateway.calls` carries out what was checked.
"""

import copy
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import access, violations
from accounts.errors import AccountsError
from accounts.policy import Decision, Effect, Inputs
from audit import looks, randomness, record
from audit.copies import Row, copy_of
from audit.models import Entry
from audit.redact import redact, redact_text
from audit.storable import is_storable
from gateway import admission, errors, present
from gateway.asker import Asker
from gateway.models import Approval, Call, Door, Question
from gateway.toolbox import target_of, with_defaults
from registry import catalogue, schemas, tokens
from registry.errors import NotConnected
from registry.mcp.behalf import ALONE, Behalf
from registry.models import Server, Tool

NO_SUCH_TOOL = "There is no such tool."

log = logging.getLogger(__name__)
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
    # The approval that a direct call means to use up; a question's calls find their own.
    approval: UUID | None = None
    # Whether a direct call that names none uses up the one that was given for it meanwhile.
    picks_up: bool = False
    # The failed call of another server that this one stands in for.
    instead_of: Call | None = None
    behalf: Behalf = ALONE
    timeout: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    show: Show = show_nobody


@dataclass(frozen=True)
class Checked:
    """A wish that may be carried out: the stored tool, the very arguments to send, why it may.

    When it `asks`, only with an approval, which is not looked for yet.
    """

    wish: Wish
    tool: Tool
    arguments: dict[str, Any]
    decision: Decision
    policy_version: str
    inputs: Inputs
    approval: Approval | None = None
    # By this name the person who was refused and whoever reads the record mean the same decision.
    decision_id: str = field(default_factory=lambda: randomness.token_hex(16))

    @property
    def decided(self) -> dict[str, Any]:
        """The decision as it is kept, with its id."""
        return self.decision.summary() | {"id": self.decision_id}

    @property
    def asks(self) -> bool:
        """Whether an approval must be used up for it: also one that was brought unasked."""
        return self.decision.effect == Effect.ASK or self.wish.approval is not None


def check(wish: Wish) -> Checked:
    """The wish with everything decided and checked; raises what `calls.call` says of nothing sent.

    Whatever is raised is on the record.
    """
    with looks.one_look(last=True):
        tool = catalogue.find(wish.server, wish.tool) if isinstance(wish.tool, str) else None
        # Judged all the same: how long a no takes must not tell that there is no such tool.
        nothing = _stored_nowhere(str(wish.server), str(wish.tool))
        checked = decide(wish, tool or nothing)
        arguments, decision = checked.arguments, checked.decision
        if tool is not None and decision.effect != Effect.DENY:
            _require_account(checked)
            if not checked.asks:
                limit(checked)
    if tool is None:
        raise _refuse_unknown(wish)
    if decision.effect == Effect.DENY:
        raise turn_down(checked, errors.Refused(decision, checked.decision_id))
    problems = _problems(tool, arguments)
    if problems:
        raise turn_down(checked, errors.BadArguments("; ".join(problems), field="arguments"))
    return checked


def _stored_nowhere(server: str, name: str) -> Tool:
    """A tool of these names and nothing else."""
    tool = copy_of(_unnamed(Tool), name=name)
    tool.server = copy_of(_unnamed(Server), name=server)
    return tool


@cache
def _unnamed(model: type[Row]) -> Row:
    return model()


def _problems(tool: Tool, arguments: dict[str, Any]) -> Sequence[str]:
    """What is wrong with the arguments, as sentences."""
    if not is_storable(arguments):
        return ["arguments: a text in them holds a NUL or half a character, and is not sent"]
    return schemas.validate(tool.input_schema, arguments)


def decide(wish: Wish, tool: Tool) -> Checked:
    """Decide on the real arguments; Unavailable where that cannot be done, which is no yes."""
    try:
        arguments = with_defaults(tool, copy.deepcopy(dict(wish.arguments)))
        policy, version = access.current()
        inputs = Inputs(wish.asker.subject(), target_of(tool), timezone.now())
        decision = inputs.decide(policy, arguments)
    except (AccountsError, DatabaseError):
        raise
    except Exception as error:
        error_id = errors.new_error_id()
        log.exception("a call could not be decided", extra={"error_id": error_id})
        message = f"Whether this is allowed cannot be decided now (error {error_id})."
        raise errors.Unavailable(message) from error
    return Checked(wish, tool, arguments, decision, version, inputs)


def _require_account(checked: Checked) -> None:
    """Tell the person to connect their account first, where the server wants one of everybody."""
    try:
        tokens.require_account(checked.tool.server, checked.wish.asker.user.pk)
    except NotConnected as error:
        raise turn_down(checked, errors.NotConnected(error.server, again=error.again)) from None


def limit(checked: Checked) -> None:
    """Count the call against its server's limit, a direct one also as a request of its person.

    Raises LimitReached; PutOff, of which nothing is written down, for an approved call of a
    question, which waits for room. A direct one may be made again with the same approval.
    """
    wish = checked.wish
    try:
        admission.admit_call(wish.asker, checked.tool.server, direct=wish.question is None)
    except errors.LimitReached as error:
        if checked.approval is not None and wish.question is not None:
            raise errors.PutOff(present.approval(checked.approval), error) from None
        raise turn_down(checked, error) from None


def turn_down(checked: Checked, error: errors.GatewayError) -> errors.GatewayError:
    """Write down that the call is not made, and why; the error comes back to be raised.

    It goes on the record, and into the journal, which the person sees, and from which the step is
    answered alike when the question is worked on again.
    """
    wish = checked.wish
    with transaction.atomic():
        blocked = error.code == errors.Refused.code
        if blocked:
            violations.begin(wish.asker.user)
        write_refusal(checked, error)
        if blocked:
            violations.count(wish.asker.user, who=wish.asker.who)
        _journal_refusal(wish, error, **journal(checked))
    if isinstance(error, errors.Refused):
        wish.show("refused", server=wish.server, tool=wish.tool, **error.details())
    return error


def write_refusal(checked: Checked, error: errors.GatewayError, **detail: Any) -> None:
    """Put on the record that the call is not made."""
    record.write(
        Entry.Kind.CALL_REFUSED,
        Entry.Outcome.REFUSED,
        error_code=error.code,
        **entry_of(checked, message=error.message, **detail),
    )


def _refuse_unknown(wish: Wish) -> errors.GatewayError:
    error = errors.UnknownTool(NO_SUCH_TOOL, field="tool")
    server, tool = str(wish.server), str(wish.tool)
    with transaction.atomic():
        record.write(
            Entry.Kind.CALL_REFUSED,
            Entry.Outcome.REFUSED,
            who=wish.asker.who,
            question=question_of(wish),
            server=server,
            tool=tool,
            arguments=wish.arguments,
            error_code=error.code,
        )
        _journal_refusal(
            wish,
            error,
            person=wish.asker.user,
            door=wish.door,
            server=server,
            tool=redact_text(tool)[:255],
            arguments=wish.arguments,
            decision={"reason": NO_SUCH_TOOL},
        )
    wish.show("refused", server=server, tool=tool, reason=NO_SUCH_TOOL)
    return error


def _journal_refusal(wish: Wish, error: errors.GatewayError, **columns: Any) -> None:
    if wish.question is None or not wish.step:
        return
    if isinstance(error, errors.Refused):
        columns |= {"decision": error.decision.summary() | {"id": error.decision_id}}
    refused = isinstance(error, errors.Refused | errors.UnknownTool)
    columns |= {
        # Not checked, so perhaps nothing that a database takes as it is.
        "arguments": redact(columns["arguments"]),
        "state": Call.State.REFUSED if refused else Call.State.FAILED,
        "text": "" if refused else error.message,
        "error_code": error.code,
    }
    Call.objects.update_or_create(question=wish.question, step=wish.step, defaults=columns)


def journal(checked: Checked) -> dict[str, Any]:
    """The columns of the call's row as it begins."""
    wish, tool = checked.wish, checked.tool
    return {
        "person": wish.asker.user,
        "door": wish.door,
        "server": tool.server.name,
        "tool": tool.name,
        "fingerprint": tool.fingerprint,
        "arguments": redact(checked.arguments),
        # A yes is good for one call, whatever the tool says of a second one.
        "repeatable": tool.declares_idempotent and checked.approval is None,
        "state": Call.State.STARTED,
        "decision": checked.decided,
        "question": wish.question,
        "instead_of": wish.instead_of,
    }


def entry_of(checked: Checked, **detail: Any) -> dict[str, Any]:
    """What every entry about this call says."""
    return {
        "who": checked.wish.asker.who,
        "question": question_of(checked.wish),
        "server": checked.tool.server.name,
        "tool": checked.tool.name,
        "fingerprint": checked.tool.fingerprint,
        "arguments": checked.arguments,
        "decision": checked.decided,
        "policy_version": checked.policy_version,
        "inputs": checked.inputs.as_json(),
        "detail": detail_of(checked, **detail),
    }


def detail_of(checked: Checked, **detail: Any) -> dict[str, Any] | None:
    """What an entry about this call says beside: its approval, the call it stands in for."""
    if checked.approval is not None:
        detail["approval"] = str(checked.approval.pk)
    if checked.wish.instead_of is not None:
        detail["instead_of"] = str(checked.wish.instead_of.pk)
    return detail or None


def question_of(wish: Wish) -> str:
    """The question's id as the record has it; empty for a direct call."""
    return str(wish.question.pk) if wish.question else ""
