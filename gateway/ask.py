"""A question comes in: may this person ask, then the row, the record, the work."""

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from celery import Task
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import access
from accounts.models import User
from accounts.policy import STANDINGS
from audit import record
from audit.models import Entry
from audit.record import Who
from audit.storable import storable
from gateway import admission, errors, heartbeat, progress, work
from gateway.asker import Asker
from gateway.models import Conversation, Door, Question
from gateway.tasks import run_question
from registry.waiting import release_connection

# How often waiting looks at the steps, and at the row itself.
STEP_SECONDS = 0.005 if not settings.REDIS_URL else 0.05
LOOK_SECONDS = 0.5

__all__ = ["Asker", "ask", "cancel", "find", "wait"]


def ask(
    text: str,
    *,
    asker: Asker,
    door: Door,
    conversation: UUID | None = None,
    external_key: str = "",
    idempotency_key: str = "",
    task: Task = run_question,
) -> Question:
    """Accept a question and have it worked on; its row is committed and on the record.

    Raises BadRequest (no text, too long), NotFound (no such conversation of this person),
    NotAllowed (the person may not ask), LimitReached, Conflict (the idempotency key stands for
    another question).
    """
    text = _checked_text(text)
    digest = _digest(text, conversation)
    earlier = _same_request(asker, idempotency_key, digest)
    if earlier is not None:
        return earlier
    origin = _Origin(asker, door, conversation, external_key)
    try:
        _may_ask(asker)
        question, is_new = _accept(text, origin, key=idempotency_key, digest=digest)
    except (IntegrityError, errors.GatewayError) as error:
        # Perhaps the same key came in twice at once, and the other one made the row.
        earlier = _same_request(asker, idempotency_key, digest)
        if earlier is None:
            _record_refusal(asker, error)
            raise
        return earlier
    if not is_new:
        return question
    progress.publish(question.pk, "accepted", id=str(question.pk))
    transaction.on_commit(lambda: work.start(task, question.pk))
    return question


@dataclass(frozen=True)
class _Origin:
    """Where a question comes from and where it belongs."""

    asker: Asker
    door: Door
    conversation: UUID | None
    external_key: str


def _accept(text: str, origin: _Origin, *, key: str, digest: str) -> tuple[Question, bool]:
    """The question's row, its entry on the record and what it holds: all of it or nothing.

    And whether it is new: the same request may have come in twice at once.
    """
    asker = origin.asker
    with transaction.atomic():
        # Nobody else can ask for this person meanwhile: two at once are two.
        User.objects.select_for_update().get(pk=asker.user.pk)
        if earlier := _same_request(asker, key, digest):
            return earlier, False
        question_id = uuid4()
        admission.admit_question(question_id, asker)
        question = Question.objects.create(
            id=question_id,
            conversation=_conversation(origin),
            person=asker.user,
            door=origin.door,
            text=text,
            origin=vars(asker.who),
            only_servers=None if asker.only_servers is None else sorted(asker.only_servers),
            idempotency_key=key,
            request_digest=digest if key else "",
            policy_version=access.current()[1],
            deadline_at=timezone.now() + timedelta(seconds=settings.QUESTION_TIMEOUT),
        )
        _record_accepted(question, asker.who)
    return question, True


def _checked_text(text: str) -> str:
    if not isinstance(text, str):
        raise errors.BadRequest("The question must be text.", field="question")
    text = storable(text.replace("\x00", "")).strip()
    if not text:
        raise errors.BadRequest("The question is empty.", field="question")
    if len(text) > settings.QUESTION_MAX_CHARACTERS:
        raise errors.BadRequest(
            f"The question has {len(text)} characters; at most {settings.QUESTION_MAX_CHARACTERS}"
            " are taken.",
            field="question",
        )
    return text


def _digest(text: str, conversation: UUID | None) -> str:
    return hashlib.sha256(json.dumps([text, str(conversation)]).encode()).hexdigest()


def _same_request(asker: Asker, key: str, digest: str) -> Question | None:
    if not key:
        return None
    earlier = Question.objects.filter(person=asker.user, idempotency_key=key).first()
    if earlier is not None and earlier.request_digest != digest:
        raise errors.Conflict("This Idempotency-Key was used for another question.")
    return earlier


def _may_ask(asker: Asker) -> None:
    standing = asker.user.standing()
    if standing != "active":
        raise errors.NotAllowed(f"This account may not ask: it {STANDINGS[standing]}.")


def _record_refusal(asker: Asker, error: Exception) -> None:
    """Whoever may not ask, or not now, is on the record."""
    if isinstance(error, errors.NotAllowed | errors.LimitReached):
        record.write(
            Entry.Kind.QUESTION_REFUSED,
            Entry.Outcome.REFUSED,
            who=asker.who,
            error_code=error.code,
            detail={"message": error.message} | error.details(),
        )


def _conversation(origin: _Origin) -> Conversation:
    person = origin.asker.user
    if origin.conversation is not None:
        found = Conversation.objects.filter(pk=origin.conversation, person=person).first()
        if found is None:
            raise errors.NotFound("You have no such conversation.", field="conversation")
        return found
    if origin.external_key:
        return Conversation.objects.get_or_create(
            person=person, door=origin.door, external_key=origin.external_key
        )[0]
    return Conversation.objects.create(person=person, door=origin.door)


def _record_accepted(question: Question, who: Who) -> None:
    record.write(
        Entry.Kind.QUESTION_ACCEPTED,
        Entry.Outcome.PENDING,
        who=who,
        question=str(question.pk),
        policy_version=question.policy_version,
        detail={"question": question.text, "conversation": str(question.conversation_id)},
    )


def find(question_id: UUID, *, asker: Asker) -> Question:
    """A question of this person; anybody else's is as unknown as one that never was."""
    question = Question.objects.filter(pk=question_id, person=asker.user).first()
    if question is None:
        raise errors.NotFound("You have no such question.")
    return question


def wait(question_id: UUID, timeout: float) -> Question:
    """The question once it has ended or waits for approval, or as it is after `timeout` seconds."""
    end = time.monotonic() + timeout
    looked = time.monotonic()
    after = ""
    while True:
        now = time.monotonic()
        steps = progress.read(question_id, after)
        after = steps[-1].id if steps else after
        # Steps say at once that it is done; the row says it too, should the steps have been lost.
        if (
            (steps and steps[-1].kind in ("done", "waiting"))
            or now - looked > LOOK_SECONDS
            or now >= end
        ):
            looked = now
            question = Question.objects.get(pk=question_id)
            if question.finished or question.state == Question.State.WAITING or now >= end:
                return question
            # The worker we wait for may need the connection more than we do.
            release_connection()
        time.sleep(STEP_SECONDS)


def cancel(question: Question, *, who: Who) -> Question:
    """Stop the question: at once when nobody has begun, else as soon as its worker hears of it."""
    with transaction.atomic():
        asked = Question.objects.filter(pk=question.pk).unfinished().update(cancel_requested=True)
        if asked:
            record.write(
                Entry.Kind.QUESTION_CANCELLED, Entry.Outcome.OK, who=who, question=str(question.pk)
            )
        question.wake()
    if asked and question.claim("cancelling"):
        work.finish(
            question,
            state=Question.State.CANCELLED,
            error_code=errors.Cancelled.code,
            error_message=errors.Cancelled.sentence,
        )
    heartbeat.heart.cancel_here(question)
    question.refresh_from_db()
    return question
