"""A replay: the same model script gives the same answer and calls, and whatever is tried shows."""

import pytest

from accounts import access
from accounts.errors import NotAllowed
from accounts.models import Hold, Meter, Rule, UsageLimit
from accounts.policy import compile_policy
from audit.models import Entry
from gateway import errors
from gateway.llm.base import ModelUnavailable
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Call, Question, Turn
from gateway.replay import running
from gateway.replay.desk import NOT_RECORDED
from gateway.replay.running import Wish
from tests.gateway.replaying import ANSWER, recorded, script

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def question(cast, upstream):
    return recorded(cast)


def again(cast, question, **wish):
    return running.replay(question, Wish(cast.asker(cast.ada), **wish))


def statuses(found):
    return [(str(pair.status), pair.tool, str(pair.outcome)) for pair in found.calls]


def test_the_same_script_gives_the_same_answer_and_calls(cast, question):
    found = again(cast, question)

    assert (found.same, found.replayed.answer, found.divergences) == (True, ANSWER, 0)
    assert statuses(found) == [
        ("same", "upstream__add", "recorded"),
        ("same", "upstream__delete_everything", "recorded"),
    ]
    assert found.recorded.usage == found.replayed.usage
    assert (found.recorded.turns, found.replayed.turns) == (3, 3)


def test_a_model_that_does_the_same_hears_what_the_recorded_one_heard(cast, upstream):
    first = ScriptedModel(script())
    question = recorded(cast, script())
    heard = ScriptedModel(script())

    assert again(cast, question, made=heard).same
    assert first.heard == []
    [_, second, last] = heard.heard
    assert second.messages[-1]["content"][0]["content"].endswith('{"sum": 42}')
    assert last.messages[-1]["content"][0]["is_error"] is True
    assert "upstream__add" in {tool.name for tool in second.tools}


def test_nothing_is_called_and_nothing_of_the_question_is_written(cast, question, upstream):
    before = (Question.objects.count(), Turn.objects.count(), Call.objects.count())
    row = Question.objects.filter(pk=question.pk).values().get()
    calling = Entry.objects.filter(kind=Entry.Kind.CALL_CALLING).count()
    asked = len(upstream.requests)
    assert asked > 0

    again(cast, question)

    assert (Question.objects.count(), Turn.objects.count(), Call.objects.count()) == before
    assert Question.objects.filter(pk=question.pk).values().get() == row
    assert Entry.objects.filter(kind=Entry.Kind.CALL_CALLING).count() == calling
    assert len(upstream.requests) == asked


def test_who_replayed_what_is_on_the_record(cast, question):
    again(cast, question)

    entry = Entry.objects.get(kind=Entry.Kind.QUESTION_REPLAYED)
    assert (entry.person, entry.question) == ("ada@example.com", str(question.pk))
    assert entry.detail["asked_by"] == "dev@example.com"
    assert (entry.detail["same"], entry.detail["model"]) == (True, "recorded")


@pytest.mark.parametrize("who", ["dev", "guest", "sue"])
def test_who_may_not_view_the_record_may_not_replay(cast, question, who):
    with pytest.raises((NotAllowed, errors.NotAllowed)):
        running.replay(question, Wish(cast.asker(getattr(cast, who))))
    assert not Entry.objects.filter(kind=Entry.Kind.QUESTION_REPLAYED).exists()


def test_other_calls_and_another_answer_are_told_apart(cast, question):
    other = [
        uses(("upstream__add", {"a": 40, "b": 3}), ("upstream__echo", {"text": "x"})),
        says("It is 43."),
    ]
    found = again(cast, question, made=ScriptedModel(other))

    assert statuses(found) == [
        ("changed", "upstream__add", "not_recorded"),
        ("new", "upstream__echo", "not_recorded"),
        ("missing", "upstream__delete_everything", ""),
    ]
    assert (found.same, found.same_answer) == (False, False)
    assert found.difference()[-2:] == [f"-{ANSWER}", "+It is 43."]


def test_what_was_not_recorded_is_answered_so(cast, question):
    model = ScriptedModel([uses(("upstream__echo", {"text": "x"})), says("?")])

    again(cast, question, made=model)

    [block] = model.heard[-1].messages[-1]["content"]
    assert (block["content"], block["is_error"]) == (NOT_RECORDED, True)


def test_a_result_may_be_had_again_and_that_is_counted(cast, question):
    twice = ("upstream__add", {"a": 40, "b": 2})
    found = again(cast, question, made=ScriptedModel([uses(twice), uses(twice), says(ANSWER)]))

    assert statuses(found)[:2] == [
        ("same", "upstream__add", "recorded"),
        ("new", "upstream__add", "repeated"),
    ]


# --- Another policy -------------------------------------------------------------------------------
def test_a_policy_that_forbids_a_call_refuses_it(cast, question):
    document = access.build_document() | {"default_effect": "deny", "blocked_tools": ["add"]}

    found = again(cast, question, policy=compile_policy(document), policy_name="draft")

    assert statuses(found)[0] == ("same", "upstream__add", "refused")
    assert "blocked" in found.calls[0].rule
    assert found.same is False
    assert Entry.objects.get(kind=Entry.Kind.QUESTION_REPLAYED).detail["policy"] == "draft"


def test_a_policy_that_allows_what_was_refused_has_no_result_of_it(cast, question):
    Rule.objects.filter(kind="role").update(patterns=["*"])
    Rule.objects.filter(kind="group").delete()

    found = again(cast, question, policy=compile_policy(access.build_document()))

    assert statuses(found) == [
        ("same", "upstream__add", "recorded"),
        ("same", "upstream__delete_everything", "not_recorded"),
    ]


def test_the_policy_in_force_decides_as_it_did(cast, question):
    version = access.publish("tests")

    assert again(cast, question, policy=running.version_named(version.pk)).same


def test_a_version_that_is_not_there(cast):
    with pytest.raises(errors.NotFound):
        running.version_named(99_999)


# --- Other tools ----------------------------------------------------------------------------------
def test_the_tools_as_they_are_now_are_tried_when_asked(cast, question):
    from registry.models import Tool  # noqa: PLC0415  only here

    add = Tool.objects.get(name="add")
    add.input_schema = {"type": "object", "required": ["c"], "properties": {"c": {}}}
    add.save()

    assert again(cast, question).same
    assert statuses(again(cast, question, tools_now=True))[0][2] == "bad_arguments"

    add.delete()
    assert again(cast, question).same
    assert statuses(again(cast, question, tools_now=True))[0][2] == "unknown_tool"


# --- What it costs --------------------------------------------------------------------------------
def test_a_prompt_needs_a_model_that_reads_it(cast, question):
    with pytest.raises(errors.BadRequest, match="does not read a prompt"):
        again(cast, question, rules="Be brief.")
    heard = ScriptedModel(script())
    again(cast, question, rules="Be brief.", made=heard)
    assert heard.heard[0].system.startswith("Be brief.")


def test_a_model_nobody_provides(cast, question):
    with pytest.raises(errors.BadRequest, match="no provider"):
        again(cast, question, model="claude-x")


def test_the_offline_router_is_a_model_like_others(cast, question):
    found = again(cast, question, model="offline")

    assert (found.same, found.replayed.model) == (False, "offline")


def test_whoever_replays_is_charged_and_nobody_else(cast, question):
    limit = UsageLimit.objects.create(user=cast.ada, max_requests=5, max_tokens=10_000)
    of_dev = UsageLimit.objects.create(user=cast.dev, max_requests=5)

    again(cast, question, model="offline")

    assert Meter.objects.get(limit=limit).requests == 1
    assert not Meter.objects.filter(limit=of_dev, requests__gt=0).exists()
    assert not Hold.objects.exists()


def test_whoever_has_used_up_their_budget_replays_only_what_costs_nothing(cast, question):
    UsageLimit.objects.create(user=cast.ada, max_requests=1)
    again(cast, question, model="offline")

    with pytest.raises(errors.LimitReached):
        again(cast, question, model="offline")
    assert again(cast, question).same


def test_a_model_that_fails_ends_the_attempt_and_not_the_replay(cast, question):
    found = again(cast, question, made=ScriptedModel([ModelUnavailable("overloaded")]))

    assert (found.replayed.state, found.replayed.error_code) == ("failed", "model_failed")
    assert Entry.objects.get(kind=Entry.Kind.QUESTION_REPLAYED).outcome == "failed"


def test_a_question_that_runs_is_not_replayed(cast, question):
    Question.objects.filter(pk=question.pk).update(state="running")

    with pytest.raises(errors.Conflict):
        running.find(question.pk)
    with pytest.raises(errors.NotFound):
        running.find(question.conversation_id)
