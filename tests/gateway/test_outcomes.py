"""An unknown outcome is settled once, by somebody who may, with how it is known."""

from uuid import uuid4

import pytest

from accounts.errors import NotAllowed
from accounts.models import Role
from audit.models import Entry
from gateway import errors, outcomes, present
from gateway.asker import Asker
from gateway.models import Call, Door

pytestmark = pytest.mark.django_db


def a_call(cast, **values):
    columns = {"person": cast.dev, "door": Door.REST, "server": "shop", "tool": "order"}
    return Call.objects.create(**columns | {"state": "unknown"} | values)


def settle(cast, call, *, asker=None, **values):
    wanted = {"carried_out": True, "note": "The order stands in the shop."} | values
    return outcomes.settle(call.pk, asker=asker or cast.asker(cast.ada), **wanted)


@pytest.mark.parametrize(("carried_out", "outcome"), [(True, "ok"), (False, "failed")])
def test_it_is_settled_with_a_note_on_the_record(cast, carried_out, outcome):
    call = settle(cast, a_call(cast, arguments={"item": "7"}), carried_out=carried_out)

    said = present.call(call)
    assert (said["state"], said["settled"]["carried_out"], said["settled"]["by"]) == (
        ("unknown", carried_out, "ada@example.com")
    )
    entry = Entry.objects.get(kind="call.settled")
    assert (entry.outcome, entry.person, entry.call, entry.server, entry.tool) == (
        (outcome, "ada@example.com", str(call.pk), "shop", "order")
    )
    assert entry.detail == {
        "settled": call.settled,
        "note": "The order stands in the shop.",
        "caller": "dev@example.com",
    }
    assert list(outcomes.to_settle(cast.asker(cast.ada))) == []


def test_it_is_said_once(cast):
    call = settle(cast, a_call(cast))
    with pytest.raises(errors.AlreadyDecided, match="ada@example.com has said: it was carried out"):
        settle(cast, call, carried_out=False)
    assert Entry.objects.filter(kind="call.settled").count() == 1


@pytest.mark.parametrize("state", ["started", "done", "failed", "refused"])
def test_what_is_known_is_not_settled(cast, state):
    with pytest.raises(errors.NotFound):
        settle(cast, a_call(cast, state=state))
    with pytest.raises(errors.NotFound):
        settle(cast, Call(pk=uuid4()))


@pytest.mark.parametrize("note", ["", " \x00", "x" * 2001])
def test_a_note_is_needed(cast, note):
    with pytest.raises(errors.BadRequest) as raised:
        settle(cast, a_call(cast), note=note)
    assert raised.value.field == "note"


def test_whoever_may_not_decide_on_calls_settles_none(cast):
    call, dev = a_call(cast), cast.asker(cast.dev)
    with pytest.raises(NotAllowed):
        settle(cast, call, asker=dev)
    with pytest.raises(NotAllowed):
        outcomes.to_settle(dev)

    Role.objects.filter(name="developer").update(can_approve_calls=True)
    dev = cast.asker(type(cast.dev).objects.get(pk=cast.dev.pk))
    assert settle(cast, call, asker=dev).settled_by == "dev@example.com"


def test_a_key_narrowed_to_other_servers_neither_sees_nor_settles(cast):
    asker = cast.asker(cast.ada)
    narrow = Asker(asker.user, asker.who, only_servers=frozenset({"crm"}))
    call = a_call(cast)
    assert list(outcomes.to_settle(narrow)) == []
    with pytest.raises(errors.NotFound):
        settle(cast, call, asker=narrow)
