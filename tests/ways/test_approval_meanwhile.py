"""What happens while a question waits for a yes: its time, its end, changes, a worker that dies."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from audit.models import Entry
from gateway import ask, deciding, errors, work
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Approval, Call, Question
from registry.models import Tool
from tests.approving import NEXT, NOTE, approval_of, approver, confirm, go_on, noting, say
from tests.ways.asking import asked, put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("write_note", "delete_*")
    return approver()


def test_a_waiting_question_outlives_the_sweeper_and_its_deadline(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    long_ago = timezone.now() - timedelta(days=2)
    Question.objects.update(deadline_at=long_ago, created_at=long_ago)

    assert (work.sweep(NEXT), go_on(question, model).state) == (0, "waiting")
    say(cast, cleo, approval_of(question))
    go_on(question, model)

    assert (question.state, question.answer) == ("answered", "noted")


def test_its_time_runs_on_from_where_it_stood(cast, upstream, cleo, settings):
    settings.QUESTION_TIMEOUT = 1000
    question = asked(cast, cast.ada, "note it", noting())
    assert 990 < question.seconds_left <= 1000
    Question.objects.update(seconds_left=500)

    say(cast, cleo, approval_of(question))
    question.refresh_from_db()

    assert 495 < (question.deadline_at - timezone.now()).total_seconds() <= 500


def test_cancelling_ends_what_waits_and_its_approval(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)

    ask.cancel(question, who=cast.asker(cast.ada).who)

    assert (question.state, approval_of(question).state) == ("cancelled", "cancelled")
    with pytest.raises(errors.AlreadyDecided):
        say(cast, cleo, approval_of(question))
    assert (go_on(question, model).state, upstream.calls) == ("cancelled", [])


def suspend(cast):
    User.objects.filter(pk=cast.ada.pk).update(status=User.Status.SUSPENDED)


def switch_the_tool_off(cast):
    Tool.objects.filter(name="write_note").update(state=Tool.State.QUARANTINED)


@pytest.mark.parametrize("happens", [suspend, switch_the_tool_off])
@pytest.mark.parametrize("after_the_yes", [False, True])
def test_who_or_what_is_stopped_meanwhile_stays_stopped(
    cast, upstream, cleo, happens, after_the_yes
):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    approval = approval_of(question)
    if after_the_yes:
        say(cast, cleo, approval)
        happens(cast)
    else:
        happens(cast)
        say(cast, cleo, approval)

    go_on(question, model)

    assert (question.finished, upstream.calls) == (True, [])
    assert (approval_of(question).state, question.calls.get().state) == ("cancelled", "refused")


def test_after_a_change_of_the_policy_a_yes_is_void_and_asked_for_anew(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    say(cast, cleo, approval_of(question))
    confirm("write_note", "something_else")

    go_on(question, model)

    assert (question.state, upstream.calls) == ("waiting", [])
    assert sorted(question.approvals.values_list("state", flat=True)) == ["outdated", "waiting"]
    entry = Entry.objects.get(question=str(question.pk), kind=Entry.Kind.CALL_REFUSED)
    assert (entry.error_code, entry.detail["message"]) == (
        "approval_invalid", "The policy has changed since this was asked.",
    )  # fmt: skip
    say(cast, cleo, approval_of(question, state="waiting"))
    assert go_on(question, model).state == "answered"
    assert len(upstream.calls) == 1


def test_a_yes_that_would_be_worth_nothing_is_not_taken(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    confirm("write_note", "something_else")

    with pytest.raises(errors.AlreadyDecided, match="The policy has changed .* asks anew"):
        say(cast, cleo, approval_of(question))

    assert (go_on(question, model).state, upstream.calls) == ("waiting", [])
    say(cast, cleo, approval_of(question, state="waiting"))
    assert go_on(question, model).state == "answered"


def test_where_nobody_needs_to_be_asked_any_more_the_call_is_made(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    confirm("something_else")

    with pytest.raises(errors.AlreadyDecided):
        say(cast, cleo, approval_of(question))
    go_on(question, model)

    assert (question.state, len(upstream.calls)) == ("answered", 1)


def test_a_decision_that_comes_while_the_worker_is_about_to_wait_is_not_missed(
    cast, upstream, cleo
):
    answered = ScriptedModel([uses(NOTE, ("upstream__slow", {"seconds": 0.4})), says("noted")])
    question = put(cast, cast.ada, "note it")

    def decide_early():
        try:
            while not (found := Approval.objects.first()):
                connection.close()
            say(cast, cleo, found)
        finally:
            connection.close()

    early = Thread(target=decide_early)
    early.start()
    work.run(question.pk, model=answered)
    early.join(10)
    question.refresh_from_db()

    assert (question.state, question.attempt) == ("answered", 1)
    assert [name for name, _ in upstream.calls].count("write_note") == 1


def test_what_waits_for_nothing_is_set_going_again(cast, upstream, cleo):
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    # As nothing of ours leaves it.
    Approval.objects.all().delete()

    deciding.expire(NEXT)

    question.refresh_from_db()
    assert question.state == "queued"
    assert go_on(question, model).state == "waiting"


def test_a_worker_that_dies_in_an_approved_call_leaves_it_unknown_and_nobody_repeats_it(
    cast, upstream, cleo
):
    Tool.objects.filter(name="write_note").update(annotations={"idempotentHint": True})
    model = noting()
    question = asked(cast, cast.ada, "note it", model)
    say(cast, cleo, approval_of(question))
    go_on(question, model)
    # As if the worker had been killed after the call, before its answer was written down.
    Call.objects.update(state="started")
    Question.objects.update(
        state="running", owner="dead", lease_until=timezone.now() - timedelta(seconds=1)
    )

    again = ScriptedModel([says("noted")])
    go_on(question, again)

    assert len(upstream.calls) == 1
    assert (question.state, question.calls.get().state) == ("answered", "unknown")
