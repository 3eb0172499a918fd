"""Outcomes from recordings and from asking anew."""

import pytest

from gateway.evaluation import running
from gateway.evaluation.cases import Case, Expected
from gateway.models import Question
from gateway.replay.running import Wish
from tests.gateway.replaying import ANSWER, recorded

pytestmark = pytest.mark.django_db(transaction=True)


def case(question="What is 40 and 2?", recorded="", person="dev@example.com", **expected):
    return Case("a case", question, recorded, person, Expected(**expected))


def outcome(cast, one, *models):
    wish = Wish(cast.asker(cast.ada))
    [verdicts] = running.replayed([one], wish, models or ["recorded"])
    return verdicts


def test_a_recorded_question_is_found_by_its_text_or_its_id(cast, upstream):
    question = recorded(cast)

    for one in (case(), case(question="", recorded=str(question.pk)), case(person="")):
        [verdict] = outcome(cast, one)
        assert (verdict.outcome.answer, verdict.passed) == (ANSWER, True)


def test_an_outcome_says_calls_turns_tokens_and_what_stands_nowhere(cast, upstream):
    recorded(cast)

    [verdict] = outcome(cast, case(tools=("upstream/add",), must_not_call=("*/delete_*",)))

    found = verdict.outcome
    assert found.tools[0] == "upstream/add"
    assert (found.turns, found.tokens, found.unsupported) == (3, 360, 0)
    assert verdict.failures == ("upstream/delete_everything was called",)


def test_models_stand_beside_each_other(cast, upstream):
    recorded(cast)

    first, second = outcome(cast, case(), "recorded", "offline")

    assert (first.column, second.column) == ("recorded", "offline")
    assert first.outcome.answer != second.outcome.answer


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (case(question="never asked"), "never asked"),
        (case(person="ada@example.com"), "never asked"),
        (case(recorded="no id"), "no question's id"),
        (case(recorded="0b7d5c1e-1111-4222-8333-444455556666"), "no such question"),
    ],
)
def test_what_was_never_recorded_is_a_failure_of_its_case_alone(cast, upstream, wanted, said):
    recorded(cast)

    [verdict] = outcome(cast, wanted)

    assert said in verdict.outcome.trouble
    assert not verdict.passed


def test_what_came_of_a_question_is_read_from_its_rows(cast, upstream):
    found = running.of_question(recorded(cast))

    assert (found.state, found.answer, found.turns) == ("answered", ANSWER, 3)
    assert found.tools[0] == "upstream/add"


def test_to_be_asked_anew_a_case_names_somebody_there_is(cast):
    [[nobody]] = running.live([case(person="")])
    [[stranger]] = running.live([case(person="x@example.com")])
    [[suspended]] = running.live([case(person="sue@example.com")])

    assert "says its `question` and `person`" in nobody.outcome.trouble
    assert stranger.outcome.trouble == "there is no person x@example.com"
    assert "may not ask" in suspended.outcome.trouble
    assert not Question.objects.exists()
