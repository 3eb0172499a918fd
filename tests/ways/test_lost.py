"""What gets lost on the way: no call stays open, and nothing begins that nobody wants any more."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit.models import Entry
from gateway import calls, work
from gateway.llm.base import NO_TOKENS, Stop, reply_of
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Call, Door, Question
from registry import breaker, calling
from registry.models import Breaker, Server
from tests.ways.asking import asked, kinds, put

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_question_cancelled_before_a_worker_has_it_is_not_begun(cast, upstream):
    question = put(cast, cast.ada, "note it")
    # As a process leaves it that is killed while it cancels.
    Question.objects.filter(pk=question.pk).update(cancel_requested=True)
    model = ScriptedModel([uses(("upstream__write_note", {"text": "x"})), says("noted")])

    work.run(question.pk, model=model)

    question.refresh_from_db()
    assert (question.state, model.heard, upstream.calls) == ("cancelled", [], [])


def test_an_error_nobody_foresaw_after_the_call_leaves_its_outcome_unknown(
    cast, upstream, monkeypatch
):
    def fail(server):
        raise DatabaseError("database is locked")

    Breaker.objects.create(server=Server.objects.get(name="upstream"), failures=1)
    monkeypatch.setattr(breaker, "succeeded", fail)

    model = ScriptedModel([uses(("upstream__write_note", {"text": "x"})), says("noted")])
    question = asked(cast, cast.ada, "note it", model)

    assert [name for name, _ in upstream.calls] == ["write_note"]
    assert (question.state, question.calls.get().state) == ("failed", "unknown")
    assert kinds(question)[-2:] == [("call.called", "unknown"), ("question.ended", "failed")]


def test_a_direct_call_whose_process_died_ends_as_unknown(cast, upstream, monkeypatch):
    def die(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(calling, "call", die)
    wish = calls.Wish(
        asker=cast.asker(cast.ada),
        door=Door.REST,
        server="upstream",
        tool="write_note",
        arguments={"text": "x"},
    )
    with pytest.raises(KeyboardInterrupt):
        calls.call(wish)

    work.sweep(None)
    assert Call.objects.get().state == "started"

    Call.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    assert (work.sweep(None), work.sweep(None)) == (1, 0)
    assert Call.objects.get().state == "unknown"
    entry = Entry.objects.get(kind=Entry.Kind.CALL_CALLED)
    assert (entry.outcome, entry.person) == ("unknown", "ada@example.com")


@pytest.mark.parametrize("odd", [1e308, -1e308])
def test_a_server_of_an_odd_patience_does_not_keep_lost_calls_open(cast, upstream, odd):
    Server.objects.update(timeout_seconds=odd)
    values = {"person": cast.ada, "door": Door.REST, "server": "upstream", "tool": "write_note"}
    call = Call.objects.create(state=Call.State.STARTED, **values)
    assert work.sweep(None) == 0

    Call.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert work.sweep(None) == 1
    call.refresh_from_db()
    assert call.state == "unknown"


@pytest.mark.parametrize("id", ["call_0", "", "x" * 200])
def test_a_model_that_names_all_its_tool_uses_alike_gets_each_ones_own_result(cast, upstream, id):
    def use(*texts):
        name = "upstream__echo"
        blocks = [
            {"type": "tool_use", "id": id, "name": name, "input": {"text": text}} for text in texts
        ]
        return reply_of(blocks, stop=Stop.TOOL_USE, usage=NO_TOKENS, model="scripted")

    question = asked(
        cast, cast.dev, "echo", ScriptedModel([use("one"), use("two", "three"), says("done")])
    )

    assert question.state == "answered"
    assert sorted(question.calls.values_list("text", flat=True)) == ["one", "three", "two"]
