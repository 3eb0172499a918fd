"""Who may say yes or no, through which door, and what is said of it."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role
from gateway import deciding, errors
from gateway.models import Approval
from tests.approving import approver, confirm, decided, say, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add", "write_note")
    return approver()


@pytest.fixture
def approval(cast, cleo):
    return waiting(cast, cast.dev)


# --- Who ------------------------------------------------------------------------------------------
def make_approver(user, **fields):
    role, _ = Role.objects.get_or_create(name="approver", can_approve_calls=True)
    for name, value in {"role": role, **fields}.items():
        setattr(user, name, value)
    user.save()
    return user


def test_a_person_with_the_right_and_a_super_admin_may_decide(cast, cleo, approval):
    assert say(cast, cleo, approval).state == "approved"
    assert say(cast, cast.ada, waiting(cast, cast.dev, {"a": 2, "b": 2})).state == "approved"


@pytest.mark.parametrize("approve", [True, False])
def test_nobody_decides_on_their_own_call(cast, upstream, cleo, approve):
    mine = waiting(cast, cast.ada)

    with pytest.raises(errors.NotAllowed, match="their own"):
        say(cast, cast.ada, mine, approve=approve)

    mine.refresh_from_db()
    kind = "approval.given" if approve else "approval.refused"
    assert mine.state == "waiting"
    assert decided() == [(kind, "failed", "not_allowed", "ada@example.com")]


def test_who_asked_and_has_the_right_may_still_not_decide(cast, cleo, approval):
    dev = make_approver(cast.dev)

    with pytest.raises(errors.NotAllowed):
        say(cast, dev, approval)


def test_whoever_has_no_right_knows_of_no_approval(cast, approval):
    for approval_id in (approval.pk, uuid.uuid4()):
        with pytest.raises(errors.NotFound, match="no such approval"):
            say(cast, cast.guest, approval_id)


@pytest.mark.parametrize(
    "fields", [{"status": "suspended"}, {"status": "pending"}, {"is_active": False}]
)
def test_whoever_may_not_act_may_not_decide(cast, approval, fields):
    with pytest.raises(errors.NotFound):
        say(cast, make_approver(cast.guest, **fields), approval)


# --- When -----------------------------------------------------------------------------------------
def test_the_first_decision_counts_and_the_second_hears_of_it(cast, cleo, approval):
    say(cast, cleo, approval, approve=False)

    with pytest.raises(errors.AlreadyDecided, match="refused by cleo@example.com already"):
        say(cast, cast.ada, approval)
    assert decided() == [("approval.refused", "refused", "", "cleo@example.com")]


def test_too_late_is_too_late_also_before_anybody_noticed(cast, cleo, approval):
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(errors.AlreadyDecided, match="too late"):
        say(cast, cleo, approval)
    assert decided() == []


def test_a_yes_holds_for_minutes_and_a_question_for_one_for_hours(cast, cleo, approval, settings):
    left = approval.expires_at - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=settings.APPROVAL_HOURS)

    left = say(cast, cleo, approval).expires_at - timezone.now()

    assert timedelta(minutes=9) < left <= timedelta(minutes=settings.APPROVAL_USE_MINUTES)


def test_a_reason_has_an_end(cast, cleo, approval):
    with pytest.raises(errors.BadRequest) as caught:
        deciding.decide(approval.pk, approve=True, asker=cast.asker(cleo), reason="x" * 2001)
    assert caught.value.field == "reason"
