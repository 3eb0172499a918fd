"""Both queues: let in once, claimed once, given up on by the database's clock."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from slackapp.models import Delivery, SeenRequest
from tests.slackapp.questions import ended

pytestmark = pytest.mark.django_db
COMMAND = {"text": "hello"}


def set_age(request, **ages):
    values = {name: Now() - timedelta(seconds=seconds) for name, seconds in ages.items()}
    SeenRequest.objects.filter(pk=request.pk).update(**values)


@pytest.mark.parametrize(
    ("signature", "event", "let_in"),
    [
        ("v0=1", "event-1", False),
        ("v0=1", "event-2", False),
        ("v0=2", "event-1", False),
        ("v0=2", "event-2", True),
        ("v0=2", "", True),
    ],
)
def test_a_signature_and_an_event_are_let_in_once(signature, event, let_in):
    SeenRequest.let_in("v0=1", "event-1", COMMAND)

    assert (SeenRequest.let_in(signature, event, COMMAND) is not None) is let_in


def test_requests_without_an_event_are_told_apart_by_their_signature():
    assert SeenRequest.let_in("v0=1", "", {}) is not None
    assert SeenRequest.let_in("v0=2", "", {}) is not None


def test_a_request_is_claimed_by_one_until_its_lease_has_run_out():
    request = SeenRequest.let_in("v0=1", "", COMMAND)

    claims = [SeenRequest.objects.get().claim(), SeenRequest.objects.get().claim()]
    set_age(request, leased_until=1)
    claims.append(SeenRequest.objects.get().claim())

    assert claims == [True, False, True]
    assert SeenRequest.objects.get().attempts == 2


def test_a_released_request_is_free_and_a_finished_one_is_not():
    request = SeenRequest.let_in("v0=1", "", COMMAND)
    request.claim()

    request.release()
    free = request.claim()
    request.finish()

    assert (free, SeenRequest.objects.get().claim()) == (True, False)
    assert SeenRequest.objects.get().command == {}


def test_a_request_without_a_command_has_nothing_left_to_do():
    request = SeenRequest.let_in("v0=1", "event", {})

    assert (request.claim(), request.done_at is not None) == (False, True)


@pytest.mark.parametrize(
    ("ages", "done", "forgotten", "outdated"),
    [
        ({"received_at": 5}, False, 0, 0),
        ({"received_at": 11}, False, 1, 0),
        ({"received_at": 11, "leased_until": -5}, False, 0, 0),
        ({"received_at": 70, "leased_until": 1}, False, 1, 0),
        ({"received_at": 599}, True, 0, 0),
        ({"received_at": 601}, True, 0, 1),
        ({"received_at": 601}, False, 1, 0),
    ],
)
def test_what_is_left_lying_is_found_and_only_what_is_done_is_put_away(
    ages, done, forgotten, outdated
):
    request = SeenRequest.let_in("v0=1", "", COMMAND)
    if done:
        request.finish()
    set_age(request, **ages)

    assert SeenRequest.objects.forgotten().count() == forgotten
    assert SeenRequest.objects.outdated().count() == outdated


def test_a_delivery_knows_its_place_from_the_conversation(cast, slack):
    question = ended(slack, cast.dev)

    first, second = Delivery.of(question), Delivery.of(question)

    assert (first.channel, first.thread_ts) == ("C0GENERAL", "1700000000.999999")
    assert first.pk == second.pk


def test_whoever_has_lost_a_delivery_changes_nothing_more(cast, slack):
    slow = Delivery.of(ended(slack, cast.dev))
    slow.claim()
    Delivery.objects.update(not_before=None)
    fast = Delivery.objects.get()
    fast.claim()

    still_mine = slow.part_sent()
    slow.failed("too slow")

    assert still_mine is False
    assert (Delivery.objects.get().state, Delivery.objects.get().parts_sent) == ("pending", 0)
