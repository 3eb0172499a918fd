"""Outcomes of cases: from the recording, or by asking anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from accounts.errors import AccountsError
from accounts.models import User
from audit.record import Who
from gateway import ask, errors, provenance
from gateway.asker import Asker
from gateway.evaluation import judging
from gateway.evaluation.cases import Case
from gateway.evaluation.judging import Outcome
from gateway.models import Door, Question
from gateway.replay import running
from gateway.replay.comparing import Comparison
from gateway.replay.desk import Answered
from gateway.replay.desk import Outcome as Given
from gateway.replay.running import Wish
from registry import catalogue


@dataclass(frozen=True)
class Verdict:
    """A case under one column (a model, or "live"): its outcome, and what is wrong with it."""

    case: Case
    column: str
    outcome: Outcome
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def replayed(cases: Sequence[Case], wish: Wish, models: Sequence[str]) -> list[list[Verdict]]:
    """Each case under each model, from its recording; a row for each case."""
    return [
        [_verdict(case, model, _replayed(case, replace(wish, model=model))) for model in models]
        for case in cases
    ]


def live(cases: Sequence[Case]) -> list[list[Verdict]]:
    """Each case asked anew by its own person, with the deployment's model, tools and limits."""
    return [[_verdict(case, "live", _asked(case))] for case in cases]


def _verdict(case: Case, column: str, outcome: Outcome) -> Verdict:
    return Verdict(case, column, outcome, tuple(judging.failures(case.expected, outcome)))


# --- From the recording ---------------------------------------------------------------------------
def _replayed(case: Case, wish: Wish) -> Outcome:
    try:
        question = find(case)
        return _of_replay(question, running.replay(question, wish))
    except (errors.GatewayError, AccountsError) as error:
        return Outcome(trouble=str(error))


def find(case: Case) -> Question:
    """The question that a case means. Raises NotFound, or Conflict for one that has not ended."""
    if case.recorded:
        try:
            return running.find(UUID(case.recorded))
        except ValueError:
            raise errors.NotFound(f"{case.recorded} is no question's id.") from None
    same: QuerySet[Question] = Question.objects.filter(text=case.question)
    if case.person:
        same = same.filter(person__email=case.person)
    latest = same.exclude(state__in=Question.UNFINISHED).order_by("-created_at").first()
    if latest is None:
        raise errors.NotFound("This was never asked; ask it, or evaluate with --live.")
    return running.find(latest.pk)


def _of_replay(question: Question, found: Comparison) -> Outcome:
    attempt = found.replayed
    figures = provenance.counts(provenance.of(question, attempt.answer, model=attempt.model))
    return Outcome(
        state=attempt.state,
        answer=attempt.answer,
        error_code=attempt.error_code,
        tools=tuple(_place(one) for one in attempt.answered if one.outcome != Given.PAGE),
        turns=attempt.turns,
        tokens=sum(count or 0 for count in vars(attempt.usage).values()),
        cost=attempt.cost,
        milliseconds=attempt.milliseconds,
        unsupported=figures.get("unsupported", 0),
    )


def _place(one: Answered) -> str:
    """A call as server/tool, also one that was not recorded."""
    if one.call is not None:
        return f"{one.call.server}/{one.call.tool}"
    tool = catalogue.find_qualified(one.name)
    return f"{tool.server.name}/{tool.name}" if tool else one.name.replace("__", "/", 1)


# --- Asking anew ----------------------------------------------------------------------------------
def _asked(case: Case) -> Outcome:
    if not case.question or not case.person:
        return Outcome(trouble="to be asked anew, a case says its `question` and `person`")
    user = User.objects.select_related("role").filter(email=case.person).first()
    if user is None:
        return Outcome(trouble=f"there is no person {case.person}")
    who = Who(person=user.email, role=user.role.name if user.role else "", door=Door.CLI)
    try:
        question = ask.ask(case.question, asker=Asker(user, who), door=Door.CLI)
    except (errors.GatewayError, AccountsError) as error:
        return Outcome(trouble=str(error))
    return of_question(ask.wait(question.pk, timeout=settings.QUESTION_TIMEOUT))


def of_question(question: Question) -> Outcome:
    """What came of a question, from its rows."""
    calls = question.calls.order_by("created_at")
    took = question.finished_at and (question.finished_at - question.created_at).total_seconds()
    return Outcome(
        state=question.state,
        answer=question.answer,
        error_code=question.error_code,
        tools=tuple(f"{call.server}/{call.tool}" for call in calls),
        turns=question.turns.count(),
        tokens=question.input_tokens + question.output_tokens,
        cost=question.cost if question.model else Decimal(0),
        milliseconds=round((took or 0) * 1000),
        unsupported=provenance.counts(question.provenance).get("unsupported", 0),
    )
