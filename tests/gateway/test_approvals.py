"""One yes is one execution of exactly the call that was asked for (T-13), counted at the server."""

from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.recorded_calls import recorded_since
from audit.models import Entry
from gateway import approvals, calls, errors
from gateway.models import Approval, Call
from registry.models import Server, Tool
from tests.approving import SUM, approver, attempt, confirm, say, waiting, wish

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add")
    return approver()


def recorded():
    return Entry.objects.filter(Q(kind__startswith="approval") | Q(kind__startswith="call"))


def entries():
    found = recorded().order_by("pk")
    return [(one.kind, one.outcome, one.error_code, one.person) for one in found]


def state(approval):
    approval.refresh_from_db()
    return approval.state


# --- Asking ---------------------------------------------------------------------------------------
def test_a_call_that_needs_a_yes_is_asked_for_and_not_made(cast, upstream, cleo):
    with pytest.raises(errors.NeedsApproval) as caught:
        calls.call(wish(cast, cast.dev))

    shown = caught.value.details()
    approval = Approval.objects.get()
    assert (shown["layer"], shown["rule"]) == ("confirmation", "require_confirmation.actions: add")
    assert (shown["approval"]["id"], shown["approval"]["url"]) == (
        str(approval.pk), f"/api/approvals/{approval.pk}",
    )  # fmt: skip
    assert (approval.state, approval.person, approval.question) == ("waiting", cast.dev, None)
    assert approval.arguments == SUM
    assert (upstream.calls, Call.objects.count()) == ([], 0)
    assert entries() == [("approval.asked", "pending", "", "dev@example.com")]
    assert recorded().get().detail["approval"] == str(approval.pk)


def test_the_same_call_is_asked_for_once_and_another_one_anew(cast, upstream, cleo):
    first = waiting(cast, cast.dev)

    assert waiting(cast, cast.dev) == first
    assert waiting(cast, cast.dev, {"a": 1, "b": 3}) != first
    assert waiting(cast, cast.ada) != first
    assert [kind for kind, *_ in entries()] == [
        "approval.asked", "call.refused", "approval.asked", "approval.asked",
    ]  # fmt: skip


def test_eight_at_once_ask_once(cast, upstream, cleo):
    asked = []
    in_parallel(8, lambda: asked.append(waiting(cast, cast.dev).pk))

    assert len(asked) == 8
    assert set(asked) == {Approval.objects.get().pk}


def test_arguments_the_tool_does_not_take_are_not_asked_for(cast, upstream, cleo):
    assert attempt(wish(cast, cast.dev, {"a": "one", "b": 2})) == "bad_arguments"
    assert Approval.objects.count() == 0


def test_what_nobody_can_read_is_not_asked_for(cast, upstream, cleo):
    confirm("echo")
    long = {"text": "x" * (approvals.MOST_CHARACTERS + 1)}

    assert attempt(wish(cast, cast.dev, long, tool="echo")) == "bad_arguments"
    assert Approval.objects.count() == 0


def test_nobody_has_any_number_of_calls_waiting(cast, upstream, cleo):
    for number in range(approvals.MOST_WAITING):
        waiting(cast, cast.dev, {"a": number, "b": 1})

    assert attempt(wish(cast, cast.dev)) == "limit_reached"
    assert attempt(wish(cast, cast.ada)) == "needs_approval"


def test_a_secret_among_the_arguments_is_not_kept_to_be_shown(cast, upstream, cleo):
    Tool.objects.filter(name="add").update(
        input_schema={"type": "object", "properties": {"password": {}}}
    )
    secret = {"password": "hunter2-hunter2"}

    approval = waiting(cast, cast.dev, secret)

    assert approval.arguments == {"password": "[redacted]"}
    row = str(Approval.objects.values().get()) + str(list(recorded().values()))
    assert "hunter2" not in row
    say(cast, cleo, approval)
    assert attempt(wish(cast, cast.dev, secret, approval=approval.pk)) != "approval_invalid"
    assert upstream.calls == [("add", secret)]


# --- The honest case ------------------------------------------------------------------------------
def test_an_approved_call_is_made_once_and_its_result_is_kept(cast, upstream, cleo):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)

    row = calls.call(wish(cast, cast.dev, approval=approval.pk))

    assert upstream.calls == [("add", SUM)]
    assert (row.state, row.text, row.repeatable) == ("done", '{"sum": 3}', False)
    assert (state(approval), approval.call, approval.decided_by) == ("used", row, cleo)
    assert entries() == [
        ("approval.asked", "pending", "", "dev@example.com"),
        ("approval.given", "ok", "", "cleo@example.com"),
        ("call.calling", "pending", "", "dev@example.com"),
        ("call.called", "ok", "", "dev@example.com"),
    ]
    assert {name for (name,) in recorded().values_list("detail__approval")} == {str(approval.pk)}


def test_without_its_id_an_approved_call_is_not_made(cast, upstream, cleo):
    say(cast, cleo, waiting(cast, cast.dev))

    with pytest.raises(errors.NeedsApproval) as caught:
        calls.call(wish(cast, cast.dev))

    assert caught.value.approval["state"] == "approved"
    assert upstream.calls == []


# --- At once --------------------------------------------------------------------------------------
def in_parallel(count, do):
    start = Barrier(count)

    def run():
        try:
            start.wait(10)
            do()
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_of_eight_who_use_a_yes_at_once_one_does(cast, upstream, cleo):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)
    became = []

    in_parallel(8, lambda: became.append(attempt(wish(cast, cast.dev, approval=approval.pk))))

    assert sorted(became) == ["approval_invalid"] * 7 + ["done"]
    assert upstream.calls == [("add", SUM)]
    assert Call.objects.count() == 1


def test_of_eight_who_decide_at_once_one_has(cast, upstream, cleo):
    approval = waiting(cast, cast.dev)
    said = []

    def click():
        try:
            say(cast, cleo, approval, approve=len(said) % 2 == 0)
            said.append("counted")
        except errors.AlreadyDecided:
            said.append("too late")

    in_parallel(8, click)

    assert sorted(said) == ["counted"] + ["too late"] * 7
    decided = Entry.objects.filter(kind__in=["approval.given", "approval.refused"])
    assert decided.count() == 1


def test_an_approved_call_is_tried_once_whatever_the_tool_says_of_a_second_time(
    cast, upstream, cleo
):
    Server.objects.update(retry_attempts=3, retry_delay_seconds=0.01)
    Tool.objects.filter(name="slow").update(annotations={"idempotentHint": True})
    confirm("slow")

    def once(**more):
        return attempt(wish(cast, cast.dev, {"seconds": 5}, tool="slow", timeout=0.3, **more))

    approval = waiting(cast, cast.dev, {"seconds": 5}, tool="slow")
    say(cast, cleo, approval)
    assert once(approval=approval.pk) == "outcome_unknown"

    assert len(upstream.calls) == 1
    assert (Call.objects.get().state, state(approval)) == ("unknown", "used")


def test_a_call_that_was_asked_for_and_made_is_one_recorded_decision(cast, upstream, cleo):
    before = timezone.now()
    approval = waiting(cast, cast.dev)
    attempt(wish(cast, cast.dev))
    say(cast, cleo, approval)
    assert attempt(wish(cast, cast.dev, approval=approval.pk)) == "done"
    assert attempt(wish(cast, cast.dev, {"text": "x"}, tool="echo")) == "done"

    effects = [(one.effect, one.arguments) for one in recorded_since(before)]

    assert effects == [("ask", SUM), ("allow", {"text": "x"})]
