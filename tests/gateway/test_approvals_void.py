"""A yes is for one call of one person as it was asked for; everything else is another (T-13)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import access
from accounts.models import Role, User
from audit.models import Entry
from gateway import calls, errors
from gateway.models import Approval
from registry.models import Server, Tool
from tests.approving import SUM, approver, attempt, confirm, say, waiting, wish

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add")
    return approver()


def state(approval):
    approval.refresh_from_db()
    return approval.state


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
