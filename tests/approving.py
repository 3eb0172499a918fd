"""For the tests of approvals: a rule that asks, somebody who may decide, a call that waits."""

from typing import Any
from uuid import UUID

from accounts import access
from accounts.models import Role, Rule, User
from audit.models import Entry
from gateway import calls, deciding, errors, work
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Approval, Call, Door, Question
from tests.cast import Cast
from tests.ways.asking import Parked

SUM = {"a": 1, "b": 2}
NEXT = Parked()
NOTE = ("upstream__write_note", {"text": "x"})


def confirm(*patterns: str) -> None:
    """From now on these tools need somebody's yes."""
    Rule.objects.filter(kind=Rule.Kind.CONFIRM).delete()
    Rule.objects.create(kind=Rule.Kind.CONFIRM, patterns=list(patterns))
    access.publish("tests")


def approver(email: str = "cleo@example.com") -> User:
    """Somebody who may decide on other people's calls, and do nothing else of note."""
    role, _ = Role.objects.get_or_create(name="approver", can_approve_calls=True)
    return User.objects.create_user(email, name="Cleo", role=role, allowed_mcps="*")


def wish(cast: Cast, user: User, arguments: Any = None, **more: Any) -> calls.Wish:
    """A direct call of `add`."""
    options = {"server": "upstream", "tool": "add"} | more
    return calls.Wish(
        asker=cast.asker(user), door=Door.REST, arguments=arguments or dict(SUM), **options
    )


def waiting(cast: Cast, user: User, arguments: Any = None, **more: Any) -> Approval:
    """The approval that such a call asks for."""
    try:
        calls.call(wish(cast, user, arguments, **more))
    except errors.NeedsApproval as needed:
        return Approval.objects.get(pk=needed.approval["id"])
    raise AssertionError("this call needs nobody's yes")


def say(cast: Cast, by: User, approval: Approval | UUID, *, approve: bool = True) -> Approval:
    """Decide; a question that goes on stays queued."""
    row = approval.pk if isinstance(approval, Approval) else approval
    return deciding.decide(row, approve=approve, asker=cast.asker(by), reason="seen", task=NEXT)


def noting() -> ScriptedModel:
    """A model that writes a note, and says so."""
    return ScriptedModel([uses(NOTE), says("noted")])


def go_on(question: Question, model: ScriptedModel) -> Question:
    """What a worker does with it next, if anything."""
    work.run(question.pk, model=model)
    question.refresh_from_db()
    return question


def approval_of(question: Question, **which: Any) -> Approval:
    """The one approval of this question, or the one of those that is so."""
    return question.approvals.get(**which)


def attempt(wanted: calls.Wish) -> str:
    """What becomes of a call: its row's state, or the code of its error."""
    try:
        row: Call = calls.call(wanted)
    except errors.GatewayError as error:
        return error.code
    return row.state


def decided() -> list[tuple[str, str, str, str]]:
    """What the record says of decisions: kind, outcome, error code and whose, in order."""
    found = Entry.objects.filter(kind__in=["approval.given", "approval.refused"]).order_by("pk")
    return [(one.kind, one.outcome, one.error_code, one.person) for one in found]
