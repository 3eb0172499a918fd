"""What may begin, what is told to whoever may not, and what an ended question gives back."""

from decimal import Decimal
from uuid import uuid4

import pytest

from accounts import access
from accounts.models import Hold, Meter, Role, Rule, UsageLimit
from audit.models import Entry
from gateway import admission, ask, calls, errors, work
from gateway.checking import Wish
from gateway.llm.base import ModelCancelled
from gateway.llm.scripted import ScriptedModel, says
from gateway.models import Door, Question
from registry.models import Server
from tests.ways.asking import asked, put

pytestmark = pytest.mark.django_db(transaction=True)


def limited(cast, **values):
    return UsageLimit.objects.create(user=cast.dev, **values)


def per_hour(cast, rate):
    Role.objects.filter(name="developer").update(requests_per_hour=rate)
    cast.dev.refresh_from_db()


def echo(cast, user, server="upstream"):
    return calls.call(Wish(cast.asker(user), Door.CLI, server, "echo", {"text": "x"}))


def slow_server():
    """Lets the server take one call a minute, under a name nobody has counted for yet."""
    name = f"slow-{uuid4().hex[:8]}"
    Server.objects.update(requests_per_minute=1, name=name)
    return name


def meter():
    row = Meter.objects.get()
    return row.requests, row.tokens, row.cost, Hold.objects.count()


# --- Told over REST -------------------------------------------------------------------------------
def test_a_limit_is_told_with_use_reset_and_whose_and_is_on_the_record(cast, client_of):
    per_hour(cast, 1)
    client = client_of(cast.dev)
    assert client.post("/api/query", {"question": "one"}, format="json").status_code == 202

    answer = client.post("/api/query", {"question": "two"}, format="json")

    error = answer.json()["error"]
    assert (answer.status_code, answer["Retry-After"]) == (429, str(error["reset_seconds"]))
    assert 3590 <= error.pop("reset_seconds") <= 3660
    del error["message"]
    told = {"kind": "requests_per_hour", "whose": "the role developer"}
    told |= {"limit": 1, "used": 1, "held": 0}
    assert error == {"code": "limit_reached"} | told
    entry = Entry.objects.get(kind=Entry.Kind.QUESTION_REFUSED)
    assert (entry.error_code, {name: entry.detail[name] for name in told}) == (
        "limit_reached",
        told,
    )


def test_usage_says_how_one_stands_with_each_limit(cast, client_of, settings):
    per_hour(cast, 4)
    settings.MAX_CONCURRENT_QUESTIONS = 5
    limited(cast, max_requests=10, max_cost=50)
    put(cast, cast.dev, "one")

    told = client_of(cast.dev).get("/api/usage").json()

    assert told["person"] == "dev@example.com"
    assert [(one["kind"], one["limit"], one["used"], one["held"]) for one in told["limits"]] == [
        ("requests_per_hour", 4, 1, 0),
        ("concurrent_requests", 5, 1, 0),
        ("budget_requests", 10, 0, 1),
        ("budget_cost", 50, 0, 2),
    ]
    others = client_of(cast.guest).get("/api/usage").json()["limits"]
    assert [(one["kind"], one["used"]) for one in others] == [("concurrent_requests", 0)]
    assert client_of(cast.ada).get("/api/usage").json()["limits"] == []
    no_scope = client_of(cast.dev, scopes=["query"])
    assert no_scope.get("/api/usage").status_code == 403


# --- Direct calls ---------------------------------------------------------------------------------
def test_a_direct_call_is_a_request_a_questions_own_call_is_not(cast, upstream):
    per_hour(cast, 2)
    limited(cast, max_requests=10)
    echo(cast, cast.dev)
    question = put(cast, cast.dev, "x")
    question.claim("me")
    calls.call(
        Wish(
            cast.asker(cast.dev), Door.CLI, "upstream", "echo", {"text": "x"},
            question=question, step="1",
        )
    )  # fmt: skip

    with pytest.raises(errors.LimitReached, match="2 requests an hour"):
        echo(cast, cast.dev)
    assert meter() == (1, 0, 0, 1)


def test_a_call_that_its_server_refuses_is_no_request_of_its_person(cast, upstream):
    limited(cast, max_requests=10)
    name = slow_server()
    Rule.objects.filter(server="upstream").update(server=name)
    access.publish("tests")
    echo(cast, cast.dev, name)

    with pytest.raises(errors.LimitReached, match=f"of the server {name}"):
        echo(cast, cast.dev, name)
    assert meter() == (1, 0, 0, 0)


def test_a_servers_limit_holds_for_a_super_admin_too(cast, upstream):
    name = slow_server()
    echo(cast, cast.ada, name)

    with pytest.raises(errors.LimitReached):
        echo(cast, cast.ada, name)


# --- A question's end -----------------------------------------------------------------------------
def test_an_answered_question_counts_what_it_used_and_says_what_is_near(cast, upstream):
    limited(cast, max_requests=1)

    question = asked(cast, cast.dev, "x", ScriptedModel([says("Four.")]))

    assert question.state == "answered"
    assert meter()[0::3] == (1, 0)
    assert [(one["kind"], one["percent"]) for one in question.near_limits] == [
        ("budget_requests", 100)
    ]


@pytest.mark.parametrize("door", ["cancelled", "expired"])
def test_a_question_nobody_began_gives_back_all_but_its_request(cast, door):
    limited(cast, max_requests=5, max_tokens=9_000_000, max_cost=9)
    question = put(cast, cast.dev, "x")
    if door == "cancelled":
        ask.cancel(question, who=cast.asker(cast.dev).who)
    else:
        Question.objects.update(deadline_at="2020-01-01T00:00:00Z")
        work.sweep(None)

    question.refresh_from_db()
    assert (question.state, meter()) == (door, (1, 0, 0, 0))


def test_a_question_that_cannot_be_accepted_holds_nothing(cast):
    limited(cast, max_requests=5)
    asker = cast.asker(cast.dev)
    with pytest.raises(errors.NotFound):
        ask.ask("x", asker=asker, door=Door.CLI, conversation=Question().pk)

    assert (Meter.objects.count(), Hold.objects.count()) == (0, 0)


def test_what_an_unknown_price_may_have_cost_counts(cast, settings):
    settings.QUESTION_MAX_COST = 2.0
    limited(cast, max_cost=9)

    asked(cast, cast.dev, "x", ScriptedModel([says("Four.")]))

    assert meter()[2] == Decimal(2)


def test_a_question_is_not_let_to_a_turn_that_may_cross_its_budget(cast):
    limited(cast, max_tokens=1000)
    model = ScriptedModel([says("Four.")])

    question = asked(cast, cast.dev, "x", model)

    assert (question.state, question.error_code) == ("failed", "limit_reached")
    assert "does not cover another turn" in question.error_message
    assert (model.heard, meter()) == ([], (1, 0, 0, 0))


def test_a_turn_that_was_cancelled_counts_as_the_most_it_may_have_used(cast):
    class Cancelled(ScriptedModel):
        def turn(self, **_):
            raise ModelCancelled("x")

    limited(cast, max_tokens=9_000_000)

    question = asked(cast, cast.dev, "x", Cancelled([]))

    assert question.state == "cancelled"
    assert meter()[1] > 4096


def test_what_is_held_for_a_question_that_is_no_more_is_given_back(cast):
    limited(cast, max_requests=5)
    question = put(cast, cast.dev, "x")
    Hold.objects.update(created_at="2020-01-01T00:00:00Z")
    assert admission.settle_forgotten() == 0

    Question.objects.filter(pk=question.pk).delete()

    assert (admission.settle_forgotten(), meter()) == (1, (0, 0, 0, 0))
