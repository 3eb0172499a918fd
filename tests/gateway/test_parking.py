"""What a question that waits for approval holds of its person's budgets, and how it goes on."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat

from accounts import budgets, meters
from accounts.budgets import Amounts
from accounts.errors import LimitReached
from accounts.models import Hold, Rule, UsageLimit
from audit.record import Who
from gateway import admission, ask, deciding, present, progress, work
from gateway.llm.base import Usage
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Approval, Question
from registry.models import Server, Tool
from tests.approving import approver, attempt, confirm, say, wish
from tests.approving import waiting as waiting_call
from tests.ways.asking import Parked, asked, kinds, put, results_read

pytestmark = pytest.mark.django_db(transaction=True)

DEV = Who(person="dev@example.com")
ECHO = ("upstream__echo", {"text": "x"})
USED = Usage(900, 100, 0, 0)


@pytest.fixture
def cleo(upstream, settings, cast):
    """Somebody who may decide; Dev's budget covers one question's most and a bit more."""
    settings.QUESTION_MAX_TOKENS = 100_000
    UsageLimit.objects.create(user=cast.dev, max_tokens=150_000, max_requests=5)
    confirm("echo")
    return approver()


def waiting(cast):
    """A question of Dev's that used 1,000 tokens and waits, and the model that goes on."""
    model = ScriptedModel([uses(ECHO, usage=USED), says("done", usage=USED)])
    return asked(cast, cast.dev, "echo", model), model


def held():
    return sorted(Hold.objects.values_list("tokens", flat=True))


def stands(cast):
    return {line.kind: (line.used, line.held) for line in meters.standing(cast.dev)}


def go_on(cast, cleo, question, model):
    say(cast, cleo, question.approvals.get())
    work.run(question.pk, model=model)
    question.refresh_from_db()
    return question


def test_what_waits_holds_what_it_used_and_takes_the_rest_anew(cast, upstream, cleo):
    question, model = waiting(cast)
    assert (question.state, stands(cast)) == (
        "waiting",
        {"requests": (0, 1), "tokens": (0, 1000)},
    )
    other, _ = waiting(cast)
    assert (other.state, held()) == ("waiting", [1000, 1000])

    go_on(cast, cleo, question, model)

    assert (question.state, question.answer) == ("answered", "done")
    assert stands(cast) == {"requests": (1, 1), "tokens": (2000, 1000)}


def test_what_goes_on_takes_no_more_than_its_most_and_no_more_than_is_left(cast, upstream, cleo):
    class Looking(ScriptedModel):
        def turn(self, **more):
            taken.append(held())
            return super().turn(**more)

    taken = []
    for _ in range(2):
        question, _ = waiting(cast)
        go_on(cast, cleo, question, Looking([says("done", usage=USED)]))
        put(cast, cast.dev, "this one holds what it may")

    assert taken == [[100_000], [48_000, 100_000]]


def test_what_finds_nothing_left_ends_and_its_approved_call_is_not_made(cast, upstream, cleo):
    question, model = waiting(cast)
    UsageLimit.objects.update(max_tokens=1000)

    go_on(cast, cleo, question, model)

    assert (question.state, question.error_code) == ("failed", "limit_reached")
    assert "so the question that waited does not go on; try again in 30 days" in (
        question.error_message
    )
    assert (upstream.calls, question.approvals.get().state) == ([], Approval.State.CANCELLED)
    assert stands(cast) == {"requests": (1, 0), "tokens": (1000, 0)}


def test_a_worker_killed_after_it_went_on_leaves_the_question_its_room(cast, upstream, cleo):
    question, model = waiting(cast)
    say(cast, cleo, question.approvals.get())

    class Killed(BaseException):
        pass

    class Dying(ScriptedModel):
        def turn(self, **_):
            raise Killed

    with pytest.raises(Killed):
        work.run(question.pk, model=Dying([]))
    put(cast, cast.dev, "this one takes all the rest")
    assert held() == [50_000, 100_000]
    Question.objects.filter(pk=question.pk).update(lease_until="2020-01-01T00:00:00Z")

    work.run(question.pk, model=ScriptedModel([says("done", usage=USED)]))

    question.refresh_from_db()
    assert (question.state, len(upstream.calls)) == ("answered", 1)
    assert stands(cast) == {"requests": (1, 1), "tokens": (2000, 50_000)}


@pytest.mark.parametrize(
    ("kind", "used", "most", "left"),
    [
        ("tokens", Amounts(10, Decimal(0)), Amounts(100, Decimal(9)), 400),
        ("cost", Amounts(0, Decimal("0.1")), Amounts(9, Decimal(1)), 4),
    ],
)
def test_of_many_that_go_on_at_once_none_takes_what_is_not_there(cast, kind, used, most, left):
    """Eight waited; what all may use together is half of what they would take."""
    UsageLimit.objects.create(user=cast.dev, **{f"max_{kind}": 9999})
    holders = [uuid4() for _ in range(8)]
    for holder in holders:
        budgets.hold(cast.dev, holder, most, who=DEV)
        budgets.lay_aside(holder, used)
    UsageLimit.objects.update(**{f"max_{kind}": left})

    def take_up(holder):
        try:
            budgets.take_up(holder, used, most)
        except LimitReached:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        went_on = list(pool.map(take_up, holders))

    line = meters.standing(cast.dev)[0]
    assert (line.used, line.held) == (0, left)
    assert 4 <= went_on.count(True) < 8


@pytest.mark.parametrize("cost", [None, Decimal(1)])
def test_of_a_cost_nobody_knows_nothing_is_given_back(cast, cost):
    UsageLimit.objects.create(user=cast.dev, max_cost=5, max_tokens=500)
    holder, most = uuid4(), Amounts(100, Decimal(2))
    budgets.hold(cast.dev, holder, most, who=DEV)
    budgets.lose(holder, Amounts(7, Decimal("0.25")))

    budgets.lay_aside(holder, Amounts(30, cost))

    known = Decimal(2) if cost is None else Decimal("1.25")
    assert Hold.objects.values_list("tokens", "cost").get() == (37, known)
    budgets.take_up(holder, Amounts(30, cost), most)
    budgets.take_up(holder, Amounts(30, cost), most)
    assert Hold.objects.values_list("tokens", "cost").get() == (100, 2)


# --- Approved, and the server's limit is reached --------------------------------------------------
@pytest.fixture
def busy(upstream, settings):
    """The server takes one call a minute, of which one has been made; `calm` lets another in."""
    name = f"busy-{uuid4().hex[:8]}"
    Server.objects.update(requests_per_minute=1, name=name)
    Tool.objects.update(qualified_name=Concat(Value("busy__"), "name"))
    Rule.objects.filter(server="upstream").update(server=name)
    confirm("echo")
    admission.admit_call(None, Server.objects.get(), direct=False)
    return lambda: Server.objects.update(requests_per_minute=9)


@pytest.fixture
def put_off(cast, busy):
    """A question of Dev's whose call was approved and met the limit."""
    model = ScriptedModel([uses(("busy__echo", {"text": "x"})), says("done")])
    question = go_on(cast, approver(), asked(cast, cast.dev, "echo", model), model)
    assert (question.state, question.approvals.get().state) == ("waiting", "approved")
    return question, model


def tick(question, model):
    """The schedule's next look, and a worker for what it set going."""
    deciding.expire(Parked())
    work.run(question.pk, model=model)
    question.refresh_from_db()
    return question.state


def test_an_approved_call_waits_for_room_and_is_made_once(cast, upstream, busy, put_off):
    question, model = put_off
    assert (upstream.calls, question.calls.count(), question.owner) == ([], 0, "")
    assert [tick(question, model) for _ in range(2)] == ["waiting", "waiting"]
    assert len(model.heard) == 1

    busy()

    assert [tick(question, model) for _ in range(2)] == ["answered", "answered"]
    assert (upstream.calls, question.answer) == ([("echo", {"text": "x"})], "done")
    assert question.approvals.get().call == question.calls.get()
    assert [kind for kind, _ in kinds(question)] == [
        "question.accepted",
        "model.turn",
        "approval.asked",
        "approval.given",
        "call.calling",
        "call.called",
        "model.turn",
        "question.ended",
    ]


def test_whoever_looks_is_told_that_it_is_approved_and_waits(put_off):
    question, _ = put_off
    told = [(one["state"], one["tool"]) for one in present.waiting(question)]

    steps = [step.data for step in progress.read(question.pk) if step.kind == "waiting"]
    assert told == [("approved", "echo")]
    assert [[one["state"] for one in step["approvals"]] for step in steps] == [
        ["waiting"],
        ["approved"],
    ]


def test_a_yes_that_is_too_old_by_then_is_told_to_the_model(cast, upstream, busy, put_off):
    question, model = put_off
    Approval.objects.update(expires_at="2020-01-01T00:00:00Z")
    busy()

    assert tick(question, model) == "answered"
    assert upstream.calls == []
    assert results_read(model) == [("This call was approved, but could not be made in time.", True)]


def test_a_worker_killed_before_it_was_put_aside_again_loses_nothing(cast, upstream, busy, put_off):
    question, model = put_off
    question.wake()
    question.claim("killed")
    Question.objects.update(lease_until="2020-01-01T00:00:00Z")
    busy()

    work.run(question.pk, model=model)

    question.refresh_from_db()
    assert (question.state, len(upstream.calls)) == ("answered", 1)


def test_two_in_one_turn_the_second_waits_for_room(cast, upstream, busy):
    pair = [("busy__echo", {"text": text}) for text in ("a", "b")]
    model, cleo = ScriptedModel([uses(*pair), says("done")]), approver()
    question = asked(cast, cast.dev, "echo twice", model)
    Server.objects.update(requests_per_minute=2)
    for approval in question.approvals.all():
        say(cast, cleo, approval)

    work.run(question.pk, model=model)
    question.refresh_from_db()
    assert (question.state, len(upstream.calls)) == ("waiting", 1)
    busy()

    assert tick(question, model) == "answered"
    assert sorted(arguments["text"] for _, arguments in upstream.calls) == ["a", "b"]


def test_cancelling_ends_what_waits_for_room(cast, upstream, put_off):
    question, _ = put_off
    ask.cancel(question, who=DEV)

    assert (question.state, question.approvals.get().state) == ("cancelled", "cancelled")


def test_a_direct_call_is_made_again_with_the_same_approval(cast, upstream, busy):
    name = Server.objects.get().name
    call = partial(wish, cast, cast.dev, {"text": "x"}, server=name, tool="echo")
    approval = waiting_call(cast, cast.dev, {"text": "x"}, server=name, tool="echo")
    say(cast, approver(), approval)

    assert attempt(call(approval=approval.pk)) == "limit_reached"
    busy()
    assert [attempt(call(approval=approval.pk)) for _ in range(2)] == ["done", "approval_invalid"]
    assert len(upstream.calls) == 1
