"""The turns of a replay, within the bounds of every question."""

import pytest
from django.utils import timezone

from accounts import access
from accounts.policy import compile_policy
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from gateway.replay.desk import Terms
from gateway.replay.playing import Playing, offered
from gateway.replay.recording import read
from gateway.spending import Spending
from registry.models import Tool
from tests.gateway.replaying import recorded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def playing(cast, upstream):
    found = read(recorded(cast))

    def begin(*lines):
        terms = Terms(access.subject_of(cast.dev), timezone.now())
        return Playing(found, ScriptedModel(lines), terms, Spending(Question(person=cast.ada)))

    return begin


def names(recording, terms):
    return [spec.name for spec in offered(recording, terms)]


def test_it_ends_as_a_question_does_that_takes_too_many_turns(playing, settings):
    settings.QUESTION_MAX_TURNS = 2
    use = uses(("upstream__add", {"a": 40, "b": 2}), text="Again.")

    attempt = playing(use, use, says("never")).run()

    assert (attempt.warning, attempt.turns) == ("max_iterations_reached", 2)


def test_what_one_question_may_use_bounds_a_replay(playing, settings):
    settings.QUESTION_MAX_TOKENS = -1

    attempt = playing(says("x")).run()

    assert (attempt.state, attempt.error_code) == ("failed", "limit_reached")


def test_time_bounds_it(playing, settings):
    settings.QUESTION_TIMEOUT = 0

    assert playing(says("x")).run().error_code == "expired"


def test_a_tool_that_is_gone_is_offered_unless_the_tools_of_now_are_tried(cast, playing):
    recording = playing().recording
    subject, now = access.subject_of(cast.dev), timezone.now()
    Tool.objects.get(name="add").delete()
    policy = compile_policy(access.build_document())

    assert "upstream__add" in names(recording, Terms(subject, now))
    assert "upstream__add" not in names(recording, Terms(subject, now, tools_now=True))
    assert "upstream__add" not in names(recording, Terms(subject, now, policy))
    assert "upstream__echo" in names(recording, Terms(subject, now, policy))


def test_of_very_many_tools_some_are_offered_and_a_page_turner_where_one_is_needed(
    playing, cast, settings
):
    settings.TOOLS_PER_TURN, settings.RESULT_MAX_CHARACTERS = 2, 5
    terms = Terms(access.subject_of(cast.dev), timezone.now())

    found = names(playing().recording, terms)

    assert len(found) == 3
    assert found[-1] == "read_result"
