"""Turns and tools within their bounds, and how each way to stop is told."""

import pytest

from gateway import errors, loop
from gateway.heartbeat import Pulse
from gateway.llm.base import Stop, Usage
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from tests.ways.asking import put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(cast):
    """Work a question out with this model, in this thread and without a heart."""

    def go(model, *, text="hello", user=None):
        question = put(cast, user or cast.dev, text)
        assert question.claim("me:1")
        return go_on(question, model)

    def go_on(question, model):
        pulse = Pulse(question)
        asker = cast.asker(question.person)
        return question, loop.run(loop.Run(question, asker, model, pulse.stopped, pulse.check))

    go.on = go_on
    return go


@pytest.mark.parametrize(
    ("stop", "warning"),
    [
        (Stop.END, ""),
        (Stop.STOP_SEQUENCE, ""),
        (Stop.MAX_TOKENS, "answer_cut"),
        (Stop.CONTEXT_FULL, "context_full"),
        (Stop.REFUSAL, "model_declined"),
        ("something_new", ""),
    ],
)
def test_why_the_model_stopped_is_told(run, stop, warning):
    _, ending = run(ScriptedModel([says("so far", stop=stop)]))

    assert ending == loop.Ending("so far", warning)


@pytest.mark.parametrize("stop", [Stop.MAX_TOKENS, Stop.REFUSAL, Stop.END, "cut"])
def test_only_a_turn_that_stopped_for_tools_has_them_called(run, upstream, stop):
    _, ending = run(ScriptedModel([uses(("upstream__echo", {"text": "x"}), text="t", stop=stop)]))

    assert (ending.answer, upstream.calls) == ("t", [])


def test_a_pause_goes_on_with_what_was_said(run):
    model = ScriptedModel([says("wait", stop=Stop.PAUSE), "done"])

    _, ending = run(model)

    assert ending == loop.Ending("done")
    assert model.heard[1].messages[-1] == {
        "role": "assistant", "content": [{"type": "text", "text": "wait"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "answer"),
    [
        (1, "wait\n\nI stopped after 1 turns without a final answer."),
        (3, "wait\n\nI stopped after 3 turns without a final answer."),
    ],
)
def test_turns_are_bounded(run, settings, turns, answer):
    settings.QUESTION_MAX_TURNS = turns
    model = ScriptedModel(lambda messages: says("wait", stop=Stop.PAUSE))

    question, ending = run(model)

    assert ending == loop.Ending(answer, "max_iterations_reached")
    assert (len(model.heard), question.turns.count()) == (turns, turns)


def test_tokens_are_bounded_before_each_turn(run, settings):
    settings.QUESTION_MAX_TOKENS = 100
    usage = Usage(60, 0, 0, 0)
    model = ScriptedModel(lambda messages: says("wait", stop=Stop.PAUSE, usage=usage))

    with pytest.raises(errors.LimitReached, match="used 120 tokens"):
        run(model)
    assert len(model.heard) == 2
    assert Question.objects.get().input_tokens == 120


def test_a_budget_used_up_by_an_earlier_worker_is_not_had_again(run, settings):
    settings.QUESTION_MAX_TOKENS = 100
    settings.QUESTION_MAX_TURNS = 1
    usage = Usage(101, 0, 0, 0)
    question, _ = run(ScriptedModel([says("wait", stop=Stop.PAUSE, usage=usage)]))
    settings.QUESTION_MAX_TURNS = 10
    model = ScriptedModel(["more"])

    with pytest.raises(errors.LimitReached, match="used 101 tokens"):
        run.on(question, model)
    assert model.heard == []


def test_turns_of_an_earlier_worker_are_replayed_and_count(run, settings):
    settings.QUESTION_MAX_TURNS = 2
    question, _ = run(ScriptedModel([says("wait", stop=Stop.PAUSE)] * 2))
    settings.QUESTION_MAX_TURNS = 3
    model = ScriptedModel(["done"])

    _, ending = run.on(question, model)

    assert ending == loop.Ending("done")
    assert [message["role"] for message in model.heard[0].messages] == [
        "user", "assistant", "assistant",
    ]  # fmt: skip


def test_a_finished_turn_of_an_earlier_worker_is_the_answer(run):
    question, first = run(ScriptedModel(["done"]))
    model = ScriptedModel([])

    assert run.on(question, model)[1] == first == loop.Ending("done")
    assert model.heard == []


def test_of_many_tools_the_ones_that_matter_are_offered_in_order(run, upstream, settings):
    settings.TOOLS_PER_TURN = 2
    model = ScriptedModel(["none"])

    run(model, text="What time is it? Then add two numbers.")

    assert [spec.tool for spec in model.heard[0].tools] == ["add", "get_time"]


@pytest.mark.parametrize("name", ["upstream__nothing", "", "echo", "UPSTREAM__ECHO", "read_file"])
def test_a_tool_nobody_has_is_told_so(run, upstream, name):
    model = ScriptedModel([uses((name, {"text": "x"})), "no"])

    run(model)

    [result] = model.heard[1].messages[-1]["content"]
    assert (result["content"], result["is_error"]) == ("There is no such tool.", True)
    assert upstream.calls == []


def test_forbidden_and_unknown_are_the_same_to_the_model_and_told_apart_to_the_person(
    run, upstream
):
    """T-09."""
    both = uses(("upstream__write_note", {"text": "x"}), ("upstream__no_such_tool", {"text": "x"}))
    model = ScriptedModel([both, "no"])

    question, _ = run(model)

    results = model.heard[1].messages[-1]["content"]
    forbidden, unknown = ({**one, "tool_use_id": ""} for one in results)
    assert forbidden == unknown
    refused, missing = question.calls.order_by("-tool")
    assert [(one.tool, one.state) for one in (refused, missing)] == [
        ("write_note", "refused"),
        ("upstream__no_such_tool", "refused"),
    ]
    assert refused.decision["fix"] == "ask for write_note on upstream"
    assert upstream.calls == []


def test_whoever_lost_the_lease_writes_no_turn(run, cast):
    def script(messages):
        Question.objects.update(owner="next:1")
        return "too late"

    with pytest.raises(errors.LeaseLost):
        run(ScriptedModel(script))
    assert Question.objects.get().turns.count() == 0
