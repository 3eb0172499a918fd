"""Whole questions with a model behind real HTTP: what the provider sends decides what is done."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Meter, UsageLimit
from audit.models import Entry
from gateway.models import Question
from tests.fakes.messages_api import IN_TOOL_USE, says, serve, uses
from tests.ways.asking import kinds

# One worker for all that import the SDK: 2 s of CPU each.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("anthropic")]

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}


@pytest.fixture
def model(settings):
    """Run a script of turns as the deployment's model: `with model(turns) as api`."""

    def run(script):
        api = serve(script)
        running = api.__enter__()
        settings.MODEL_PROVIDER = "anthropic"
        settings.ANTHROPIC_API_KEY = "for-the-fake"
        settings.ANTHROPIC_BASE_URL = running.url
        opened.append(api)
        return running

    opened: list = []
    yield run
    for api in opened:
        api.__exit__(None, None, None)


def ask(client, text):
    body = {"question": text, "wait": True}
    return client.post("/api/query", body, format="json").json()


def test_a_question_with_two_tools_ends_right_with_tokens_cost_and_both_calls(
    cast, upstream, client_of, model
):
    both = uses(("upstream__add", {"a": 2, "b": 3}), ("upstream__echo", {"text": "hi"}))
    model([replace(both, usage=USAGE), replace(says("5 and hi"), usage=USAGE)])

    answer = ask(client_of(cast.dev), "Add 2 and 3, and echo hi.")

    assert (answer["state"], answer["answer"]) == ("answered", "5 and hi")
    assert sorted((call["tool"], call["state"]) for call in answer["calls"]) == [
        ("add", "done"),
        ("echo", "done"),
    ]
    assert (answer["tokens"]["input"], answer["tokens"]["output"]) == (2000, 400)
    # claude-sonnet-5-5: 2 dollars a million in, 10 out.
    assert Decimal(answer["cost_usd"]) == Decimal("0.008")
    ended = Entry.objects.get(question=answer["id"], kind=Entry.Kind.QUESTION_ENDED)
    assert (ended.cost, ended.input_tokens, ended.output_tokens) == (Decimal("0.008"), 2000, 400)
    assert ended.detail["price"]["model"] == "claude-sonnet-5-5"


def test_a_stream_cut_in_the_middle_of_a_tool_use_executes_nothing(
    cast, upstream, client_of, model
):
    cut = replace(uses(("upstream__echo", {"text": "half"})), cut=IN_TOOL_USE)
    api = model([cut, cut, cut])

    answer = ask(client_of(cast.dev), "Echo half.")

    assert upstream.calls == []
    assert len(api.requests) == 3
    assert (answer["state"], answer["error"]["code"]) == ("failed", "model_failed")
    assert Entry.objects.filter(kind=Entry.Kind.CALL_CALLING).count() == 0


def test_a_stream_cut_once_is_repeated_whole_and_executes_once(cast, upstream, client_of, model):
    use = uses(("upstream__echo", {"text": "once"}))
    model([replace(use, cut=IN_TOOL_USE), use, says("once")])

    answer = ask(client_of(cast.dev), "Echo once.")

    assert answer["state"] == "answered"
    assert upstream.calls == [("echo", {"text": "once"})]


def test_the_model_is_offered_just_what_the_person_may_use(cast, upstream, client_of, model):
    api = model([says("hello")])

    ask(client_of(cast.guest), "hello")

    assert api.requests[0].body.get("tools", []) == []


def test_a_denied_tool_is_not_reached_from_the_command_line(cast, upstream, model, capsys):
    model([uses(("upstream__write_note", {"text": "x"})), says("I could not.")])

    call_command("ask", "Write a note.", "--as", "dev@example.com")

    assert upstream.calls == []
    told = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "The role developer may not call write_note on upstream." in told
    assert "To change it: ask for write_note on upstream." in told
    request = "manage.py access_requests ask dev@example.com upstream write_note --reason …"
    assert request in " ".join(told)
    entry = Entry.objects.get(kind=Entry.Kind.CALL_REFUSED)
    assert (entry.door, entry.layer, entry.tool) == ("cli", "role", "write_note")
    assert "developer" in entry.rule


def test_the_command_line_fails_when_the_question_is_not_answered(cast, upstream, model):
    model([])

    with pytest.raises(CommandError, match="failed"):
        call_command("ask", "Anything?", "--as", "dev@example.com")
    assert kinds(Question.objects.get())[-1] == ("question.ended", "failed")


def test_the_command_line_names_a_person_it_does_not_know(cast):
    with pytest.raises(CommandError, match="nobody@example.com"):
        call_command("ask", "Anything?", "--as", "nobody@example.com")


def test_a_replay_by_a_model_that_does_the_same_is_the_same_and_is_charged_to_who_replays(
    cast, upstream, client_of, model
):
    turns = [
        replace(uses(("upstream__add", {"a": 2, "b": 3})), usage=USAGE),
        replace(says("It is 5."), usage=USAGE),
    ]
    model(turns)
    question = ask(client_of(cast.dev), "Add 2 and 3.")
    made = len(upstream.calls)
    budget = UsageLimit.objects.create(user=cast.ada, max_tokens=1_000_000)
    model(turns)

    client = client_of(cast.ada, scopes=["admin"])
    body = {"model": "claude-sonnet-5-5"}
    found = client.post(f"/api/audit/questions/{question['id']}/replay", body, format="json").json()

    assert (found["same"], found["answer"]["replayed"]) == (True, "It is 5.")
    assert found["replayed"]["tokens"] == found["recorded"]["tokens"]
    assert Decimal(found["replayed"]["cost_usd"]) == Decimal("0.008")
    assert len(upstream.calls) == made
    assert Meter.objects.get(limit=budget).tokens == 2400
