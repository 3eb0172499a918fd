"""One yes is one execution of exactly the call that was asked for (T-13), counted at the server."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts import access
from accounts.models import Role, User
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


# --- Everything else is another call (T-13) -------------------------------------------------------
def used(cast, cleo, approval):
    calls.call(wish(cast, cast.dev, approval=approval.pk))


def refused(cast, cleo, approval):
    Approval.objects.update(state="waiting", decided_by=None)
    say(cast, cleo, approval, approve=False)


def expired(cast, cleo, approval):
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def not_decided(cast, cleo, approval):
    Approval.objects.update(state="waiting", decided_by=None)


def policy_changed(cast, cleo, approval):
    confirm("add", "something_else")


def tool_changed(cast, cleo, approval):
    Tool.objects.filter(name="add").update(fingerprint="f" * 64)


def default_changed(cast, cleo, approval):
    schema = Tool.objects.get(name="add").input_schema
    schema["properties"]["unit"] = {"type": "string"}
    Tool.objects.filter(name="add").update(input_schema=schema)
    Server.objects.update(argument_defaults={"unit": "tons"})


def suspended(cast, cleo, approval):
    User.objects.filter(pk=cast.dev.pk).update(status=User.Status.SUSPENDED)


def right_lost(cast, cleo, approval):
    Role.objects.filter(name="developer").update(denied_tools=["add"])
    access.publish("tests")


def decider_suspended(cast, cleo, approval):
    User.objects.filter(pk=cleo.pk).update(status=User.Status.SUSPENDED)


def decider_lost_the_right(cast, cleo, approval):
    Role.objects.filter(name="approver").update(can_approve_calls=False)


@pytest.mark.parametrize(
    ("happens", "code", "executions"),
    [
        (used, "approval_invalid", 1),
        (refused, "approval_refused", 0),
        (expired, "approval_expired", 0),
        (not_decided, "needs_approval", 0),
        (policy_changed, "approval_invalid", 0),
        (tool_changed, "approval_invalid", 0),
        (default_changed, "approval_invalid", 0),
        (suspended, "refused", 0),
        (right_lost, "refused", 0),
        (decider_suspended, "approval_invalid", 0),
        (decider_lost_the_right, "approval_invalid", 0),
    ],
)
def test_what_happens_in_between_makes_the_yes_void(
    cast, upstream, cleo, happens, code, executions
):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)
    happens(cast, cleo, approval)

    assert attempt(wish(cast, cast.dev, approval=approval.pk)) == code

    assert len(upstream.calls) == executions
    entry = Entry.objects.filter(kind=Entry.Kind.CALL_REFUSED).latest("pk")
    assert (entry.error_code, entry.detail["message"] != "") == (code, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arguments": {"a": 1, "b": 3}}, "This approval is for other arguments."),
        ({"arguments": {"a": 1, "b": 2.0}}, "This approval is for other arguments."),
        ({"tool": "echo", "arguments": {"text": "x"}}, "This approval is for another tool."),
    ],
)
def test_a_yes_is_for_no_other_call(cast, upstream, cleo, change, message):
    confirm("add", "echo")
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)

    with pytest.raises(errors.ApprovalInvalid, match=message):
        calls.call(wish(cast, cast.dev, approval=approval.pk, **change))

    assert (upstream.calls, state(approval)) == ([], "approved")
    entry = Entry.objects.get(kind=Entry.Kind.CALL_REFUSED)
    assert (entry.detail["message"], entry.detail["approval"]) == (message, str(approval.pk))


@pytest.mark.parametrize("who", ["ada", "guest"])
def test_a_yes_is_for_no_other_person(cast, upstream, cleo, who):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)
    other = getattr(cast, who)
    other.role = cast.dev.role
    other.save()

    assert attempt(wish(cast, other, approval=approval.pk)) == "approval_invalid"
    assert (upstream.calls, state(approval)) == ([], "approved")


def test_an_approval_is_used_up_even_where_the_policy_has_come_to_ask_no_more(cast, upstream, cleo):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)
    confirm("something_else")

    assert attempt(wish(cast, cast.dev, approval=approval.pk)) == "approval_invalid"
    assert attempt(wish(cast, cast.dev)) == "done"
    assert upstream.calls == [("add", SUM)]


def test_a_tool_set_aside_meanwhile_is_not_called(cast, upstream, cleo):
    approval = waiting(cast, cast.dev)
    say(cast, cleo, approval)
    Tool.objects.filter(name="add").update(state=Tool.State.QUARANTINED)

    assert attempt(wish(cast, cast.dev, approval=approval.pk)) == "refused"
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
