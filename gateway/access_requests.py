"""Somebody whom the policy refuses asks for a grant, and somebody else decides.

request → grant (until a day) | refuse | withdraw | nobody decides in time. Each of them happens
once, whoever is faster, and is on the record. Only what a grant would change can be asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts import access, authority, grants
from accounts.authority import Right
from accounts.errors import Conflict, NotAllowed
from accounts.models import AccessRequest, ServerGrant, User
from accounts.models.requests import AccessRequestQuerySet
from accounts.policy import (
    Decision,
    Effect,
    Grant,
    PatternError,
    Policy,
    Subject,
    check_granted,
    decide,
)
from audit import record
from audit.models import Entry
from gateway import explain
from gateway.asker import Asker
from gateway.errors import BadRequest, NotFound
from gateway.toolbox import target_of
from registry.models import Server, Tool

State = AccessRequest.State

MAXIMUM_PATTERNS = 20
MAXIMUM_REASON = 2000


# --- Asking ---------------------------------------------------------------------------------------
def request(asker: Asker, *, server: str, tools: Sequence[str], reason: str) -> AccessRequest:
    """Ask for some tools of one server.

    Raises BadRequest for what cannot be asked, and Conflict for what is open to the person
    already, has been asked for, or would not be changed by a grant.
    """
    patterns, reason = _checked(server, tools), _words(reason, field="reason")
    if asker.only_servers is not None and server not in asker.only_servers:
        raise NotAllowed(f"This key does not reach {server}.", field="server")
    with transaction.atomic():
        # Locked: who asks twice at once takes turns, and the second sees the first.
        person = User.objects.select_for_update().get(pk=asker.user.pk)
        _require_help(person, server, patterns)
        _require_new(person, server, patterns)
        made = AccessRequest.objects.create(
            person=person, server=server, tools=list(patterns), reason=reason
        )
        _record(made, Entry.Kind.ACCESS_REQUESTED, Entry.Outcome.PENDING, by=asker)
    return made


def _checked(server: str, tools: Sequence[str]) -> tuple[str, ...]:
    explain.find_server(server)
    try:
        patterns = tuple(dict.fromkeys(check_granted(tools)))
    except PatternError as error:
        raise BadRequest(f"{error}.", field="tools") from None
    if len(patterns) > MAXIMUM_PATTERNS:
        raise BadRequest(f"There may be at most {MAXIMUM_PATTERNS} patterns.", field="tools")
    return patterns


def _words(text: str, *, field: str) -> str:
    text = text.strip()
    if not text:
        raise BadRequest("Say why, in a few words.", field=field)
    if len(text) > MAXIMUM_REASON or "\x00" in text:
        raise BadRequest(f"This is a text of at most {MAXIMUM_REASON} characters.", field=field)
    return text


def _require_help(person: User, server: str, patterns: Iterable[str]) -> None:
    """Each pattern must name something that a grant would open."""
    policy, _ = access.current()
    subject = access.subject_of(person)
    tools = list(Tool.objects.select_related("server").filter(server__name=server))
    for pattern in patterns:
        try:
            compiled = policy.patterns((pattern,))
        except PatternError as error:
            raise BadRequest(f"{error}.", field="tools") from None
        fitting = [tool for tool in tools if compiled.first(server, tool.name)]
        if not fitting:
            raise BadRequest(f"No tool of {server} fits {pattern}.", field="tools")
        _require_one_helped(policy, subject, fitting, pattern)


def _require_one_helped(
    policy: Policy, subject: Subject, tools: Iterable[Tool], pattern: str
) -> None:
    unhelped: Decision | None = None
    for tool in tools:
        now = _shown(policy, subject, tool)
        if now.effect is not Effect.DENY:
            continue
        grant = Grant(tool.server.name, (tool.name,))
        with_grant = replace(subject, grants=(*subject.grants, grant))
        if _shown(policy, with_grant, tool).effect is not Effect.DENY:
            return
        unhelped = unhelped or now
    if unhelped is None:
        raise Conflict(f"{pattern} is open to you already.", field="tools")
    fix = f" To change it: {unhelped.fix}." if unhelped.fix else ""
    raise Conflict(f"A grant would not help: {unhelped.reason}{fix}", field="tools")


def _shown(policy: Policy, subject: Subject, tool: Tool) -> Decision:
    return decide(policy, subject, target_of(tool), None, timezone.now())


def _require_new(person: User, server: str, patterns: tuple[str, ...]) -> None:
    asked = AccessRequest.objects.open().filter(person=person, server=server)
    for row in asked:
        both = [pattern for pattern in patterns if pattern in row.tools]
        if both:
            raise Conflict(f"Your request {row.pk} for {both[0]} is still open.", field="tools")


def withdraw(row: AccessRequest, *, by: Asker) -> AccessRequest:
    """Take one's own request back."""
    if row.person_id != by.user.pk:
        raise NotAllowed("Only who asked can withdraw a request.")
    with transaction.atomic():
        _close(row, State.WITHDRAWN, by=by)
        _record(row, Entry.Kind.ACCESS_REQUESTED, Entry.Outcome.CANCELLED, by=by)
    return row


# --- Deciding -------------------------------------------------------------------------------------
def decidable_by(user: User) -> AccessRequestQuerySet:
    """Requests, whatever their state, that this person may decide on; never their own.

    Whoever may manage people decides for those who are not above them; the owner of a server
    decides on its tools.
    """
    owned = Server.objects.filter(owner=user.email).values("name")
    may = Q(server__in=owned) if user.may_act() else Q(pk__in=())
    if authority.has(user, Right.MANAGE_USERS):
        may |= Q(person__in=authority.may_be_given(user, User.objects.all()))
    return AccessRequest.objects.filter(may).exclude(person=user).select_related("person")


def decides(user: User) -> bool:
    """Whether this person decides on requests of anybody at all."""
    owns = user.may_act() and Server.objects.filter(owner=user.email).exists()
    return owns or authority.has(user, Right.MANAGE_USERS)


def find(user: User, number: int) -> AccessRequest:
    """One's own request, or one that this person may decide on; NotFound for every other."""
    own = AccessRequest.objects.filter(person=user).select_related("person")
    found = own.filter(pk=number).first() or decidable_by(user).filter(pk=number).first()
    if found is None:
        raise NotFound("There is no such request.")
    return found


def grant(
    row: AccessRequest, *, by: Asker, until: datetime | None = None, answer: str = ""
) -> AccessRequest:
    """Say yes: a grant of what was asked for, until a day (without one, the usual time)."""
    _require_decider(row, by)
    until = grants.end_of(until)
    with transaction.atomic():
        _close(row, State.GRANTED, by=by, answer=answer)
        row.grant = ServerGrant.objects.create(
            user=row.person,
            server=row.server,
            tools=row.tools,
            expires_at=until,
            granted_by=by.user.email,
            reason=row.reason,
        )
        row.save(update_fields=["grant"])
        _record(row, Entry.Kind.GRANT_GIVEN, Entry.Outcome.OK, by=by, until=until.isoformat())
    return row


def refuse(row: AccessRequest, *, by: Asker, answer: str) -> AccessRequest:
    """Say no, and why."""
    _require_decider(row, by)
    answer = _words(answer, field="answer")
    with transaction.atomic():
        _close(row, State.REFUSED, by=by, answer=answer)
        _record(row, Entry.Kind.ACCESS_REQUESTED, Entry.Outcome.REFUSED, by=by)
    return row


def end_after(days: int) -> datetime:
    """The moment so many days from now; BadRequest for more than a grant may last."""
    if days > settings.GRANT_MAX_DAYS:
        raise BadRequest(
            f"A grant ends after at most {settings.GRANT_MAX_DAYS} days.", field="until"
        )
    return timezone.now() + timedelta(days=max(days, 0))


def _require_decider(row: AccessRequest, by: Asker) -> None:
    if row.person_id == by.user.pk:
        raise NotAllowed("Nobody decides on their own request.")
    if not decidable_by(by.user).filter(pk=row.pk).exists():
        raise NotAllowed("Only who manages people, or owns the server, decides on this request.")


def _close(row: AccessRequest, state: State, *, by: Asker, answer: str = "") -> None:
    if not row.close(state, by=by.user.email, answer=answer.strip()[:MAXIMUM_REASON]):
        row.refresh_from_db(fields=["state"])
        raise Conflict(f"This request is no longer open: {row.get_state_display()}.")


# --- What time does -------------------------------------------------------------------------------
def sweep() -> None:
    """Put the end of grants on the record, and close requests nobody decided on in time."""
    grants.note_ended()
    before = Now() - timedelta(days=settings.ACCESS_REQUEST_DAYS)
    for row in AccessRequest.objects.open().filter(created_at__lt=before):
        with transaction.atomic():
            if row.close(State.EXPIRED, by=""):
                _record(row, Entry.Kind.ACCESS_REQUESTED, Entry.Outcome.EXPIRED)


def _record(
    row: AccessRequest,
    kind: Entry.Kind,
    outcome: Entry.Outcome,
    *,
    by: Asker | None = None,
    until: str = "",
) -> None:
    detail = {"request": row.pk, "person": row.person.email, "tools": row.tools}
    detail |= {"reason": row.reason, "state": row.state}
    detail |= {name: text for name, text in (("answer", row.answer), ("until", until)) if text}
    record.write(
        kind, outcome, who=by.who if by else record.NOBODY, server=row.server, detail=detail
    )
