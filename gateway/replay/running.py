"""A replay from its wish to its entry on the record: who may, under what, and who is charged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts import access, authority, budgets
from accounts.authority import Right
from accounts.models import PolicyVersion, User
from accounts.policy import STANDINGS, Policy, PolicyError, Subject, compile_policy
from audit import record
from audit.models import Entry
from gateway import admission, errors, prompt
from gateway.asker import Asker
from gateway.llm.base import Model, Usage
from gateway.llm.choice import model_named
from gateway.llm.scripted import ScriptedModel
from gateway.models import Call, Question
from gateway.replay.comparing import Comparison, compare
from gateway.replay.desk import Answered, Outcome, Terms
from gateway.replay.playing import Attempt, Playing
from gateway.replay.recording import Recording, is_page, read
from gateway.spending import Spending

RECORDED = "recorded"
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


@dataclass(frozen=True)
class Wish:
    """How somebody wants a question replayed; each field left out is as it was recorded.

    `policy` names itself in `policy_name`; `subject` is the person under it, where it changes them.
    """

    asker: Asker
    model: str = RECORDED
    rules: str = ""
    policy: Policy | None = None
    policy_name: str = RECORDED
    subject: Subject | None = None
    tools_now: bool = False
    # A model that is there already: for tests, and for many questions in a row.
    made: Model | None = field(default=None, compare=False)


def find(question_id: UUID | str) -> Question:
    """A question that can be replayed. Raises NotFound, or Conflict for one that has not ended."""
    rows = Question.objects.select_related("person__role", "conversation")
    question = rows.filter(pk=question_id).first()
    if question is None:
        raise errors.NotFound("There is no such question.")
    if not question.finished:
        raise errors.Conflict("This question has not ended yet.")
    return question


def require(asker: Asker) -> None:
    """Raise NotAllowed unless somebody may read the record, and may ask questions."""
    authority.require(asker.user, Right.VIEW_AUDIT_LOGS)
    standing = asker.user.standing()
    if standing != "active":
        raise errors.NotAllowed(f"This account may not replay: it {STANDINGS[standing]}.")


def replay(question: Question, wish: Wish) -> Comparison:
    """Run the recorded question again and say what differs; it is on the record who did.

    Nothing is called, and no question, turn or call is written. Raises NotAllowed, LimitReached of
    whoever replays, BadRequest for a model there is not.
    """
    require(wish.asker)
    if wish.rules and wish.model == RECORDED and wish.made is None:
        message = "A recorded model does not read a prompt; name a model, too."
        raise errors.BadRequest(message, field="model")
    recording = read(question)
    model = wish.made or _model(recording, wish.model)
    with _charged(wish, model) as spending:
        found = compare(attempt_of(recording), _playing(recording, model, wish, spending).run())
    _write(question, wish, found)
    return found


def _model(recording: Recording, name: str) -> Model:
    """Raises BadRequest where there is no such model to be had."""
    if name == RECORDED:
        return ScriptedModel(recording.turns)
    try:
        return model_named(name)
    except ImproperlyConfigured as error:
        raise errors.BadRequest(str(error), field="model") from None


def _playing(recording: Recording, model: Model, wish: Wish, spending: Spending) -> Playing:
    question = recording.question
    only = None if question.only_servers is None else frozenset(question.only_servers)
    subject = wish.subject or access.subject_of(question.person, only)
    terms = Terms(subject, question.created_at, wish.policy, wish.tools_now)
    return Playing(recording, model, terms, spending, rules=wish.rules or prompt.RULES)


def version_named(number: int) -> Policy:
    """The policy of this version. Raises NotFound, or Conflict where it cannot be read."""
    version = PolicyVersion.objects.filter(pk=number).first()
    if version is None:
        raise errors.NotFound(f"There is no version {number} of the policy.")
    try:
        return compile_policy(version.document)
    except PolicyError as error:
        raise errors.Conflict(f"Version {number} cannot be read: {error}") from None


# --- What it costs --------------------------------------------------------------------------------
@contextmanager
def _charged(wish: Wish, model: Model) -> Iterator[Spending]:
    """A model that costs is a request of whoever replays, within their limits and budgets."""
    holder = Question(id=uuid4(), person=wish.asker.user)
    spending = Spending(holder)
    if isinstance(model, ScriptedModel):
        yield spending
        return
    with transaction.atomic():
        User.objects.select_for_update().get(pk=wish.asker.user.pk)
        admission.admit_question(holder.pk, wish.asker)
    try:
        yield spending
    finally:
        budgets.settle(holder.pk, spending.used(), who=wish.asker.who)


# --- The recording as a side of the comparison ----------------------------------------------------
def attempt_of(recording: Recording) -> Attempt:
    """What came of the question when it was recorded."""
    question = recording.question
    return Attempt(
        state=question.state,
        answer=question.answer,
        warning=question.warning,
        error_code=question.error_code,
        model=question.model,
        turns=len(recording.turns),
        usage=Usage(*(getattr(question, name) for name in _COUNTS)),
        cost=question.cost,
        milliseconds=recording.milliseconds,
        answered=tuple(
            Answered(use.name, use.arguments, _outcome(use.call, page=is_page(use)), "", False)
            for use in recording.uses
        ),
    )


def _outcome(call: Call | None, *, page: bool) -> Outcome:
    if page:
        return Outcome.PAGE
    if call is None:
        return Outcome.NOT_RECORDED
    return Outcome.REFUSED if call.state == Call.State.REFUSED else Outcome.RECORDED


def _write(question: Question, wish: Wish, found: Comparison) -> None:
    """Put it on the record: who replayed what under which terms, and what came of it."""
    attempt = found.replayed
    record.write(
        Entry.Kind.QUESTION_REPLAYED,
        Entry.Outcome.OK if attempt.state == "answered" else Entry.Outcome.FAILED,
        who=wish.asker.who,
        question=str(question.pk),
        tokens=vars(attempt.usage),
        cost=attempt.cost,
        milliseconds=attempt.milliseconds,
        error_code=attempt.error_code,
        detail=terms_of(wish)
        | {"asked_by": question.person.email, "same": found.same}
        | {"calls": found.counts()},
    )


def terms_of(wish: Wish) -> dict[str, Any]:
    """Under what it was replayed, in words."""
    model = wish.made.name if wish.made else wish.model
    return {
        "model": model,
        "prompt": "given" if wish.rules else RECORDED,
        "policy": wish.policy_name,
        "tools": "now" if wish.tools_now else RECORDED,
    }
