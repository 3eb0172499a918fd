"""A question that comes to another worker goes on where it stood, and no call is made twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway import work
from gateway.llm.scripted import ScriptedModel, uses
from gateway.models import Call, Door, Question
from registry.models import Tool
from tests.ways.asking import kinds, put

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_question_delivered_twice_is_worked_on_once(cast, upstream):
    question = put(cast, cast.dev, "once")
    model = ScriptedModel(["first"])

    assert work.run(question.pk, model=model) is not None
    assert work.run(question.pk, model=model) is None
    assert len(model.heard) == 1


def abandoned(cast, state_of_call, tool="write_note"):
    """A question whose worker died after its first turn, with the call left in the given state."""
    question = put(cast, cast.ada, "note it")
    assert question.claim("dead:1")
    reply = uses((f"upstream__{tool}", {"text": "x"}))
    question.turns.create(
        number=1, content=reply.content, stop=reply.stop, model="scripted", usage=vars(reply.usage)
    )
    stored = Tool.objects.get(name=tool)
    question.calls.create(
        step=reply.tool_uses[0].id,
        person=cast.ada,
        door=Door.CLI,
        server="upstream",
        tool=tool,
        arguments={"text": "x"},
        state=state_of_call,
        repeatable=stored.declares_idempotent,
        text="noted: x" if state_of_call == Call.State.DONE else "",
    )
    Question.objects.filter(pk=question.pk).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    return question


def test_a_settled_call_is_not_made_again_by_the_next_worker(cast, upstream):
    question = abandoned(cast, Call.State.DONE)

    work.run(question.pk, model=ScriptedModel(["It is noted."]))

    question.refresh_from_db()
    assert (question.state, question.answer, question.attempt) == ("answered", "It is noted.", 2)
    assert upstream.calls == []


def test_a_write_that_may_have_happened_is_never_repeated_and_the_person_is_told(cast, upstream):
    question = abandoned(cast, Call.State.STARTED)
    model = ScriptedModel(["I do not know."])

    work.run(question.pk, model=model)

    question.refresh_from_db()
    assert upstream.calls == []
    assert (question.state, question.warning) == ("answered", "outcome_unknown")
    assert "write_note on upstream" in question.answer
    assert question.calls.get().state == Call.State.UNKNOWN
    assert ("call.called", "unknown") in kinds(question)


def test_a_read_that_may_have_happened_is_made_again(cast, upstream):
    question = abandoned(cast, Call.State.STARTED, tool="echo")

    work.run(question.pk, model=ScriptedModel(["x"]))

    question.refresh_from_db()
    assert upstream.calls == [("echo", {"text": "x"})]
    assert (question.state, question.warning) == ("answered", "")
