"""What belongs to somebody else is not there: lists (T-10), threads (T-11), questions (T-41)."""

import random
import uuid
from dataclasses import asdict

import pytest
from django.test import Client

from accounts.models import Role, User
from gateway import work
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from slackapp import asking
from slackapp.commands import command_of
from slackapp.models import SeenRequest
from tests.cast import READ_TOOLS
from tests.slackapp.signing import slash
from tests.ways.asking import Parked, asked, put

pytestmark = pytest.mark.django_db(transaction=True)
EVERYTHING = [
    *("add", "big", "delete_everything", "echo", "fail", "get_time", "headers", "slow"),
    "write_note",
]
READING = [tool for tool in EVERYTHING if tool in READ_TOOLS or tool.startswith("get_")]


# --- T-10 -----------------------------------------------------------------------------------------
def test_a_list_is_ones_own_and_follows_ones_role_at_once(cast, upstream, client_of):
    ada, dev, guest = (client_of(user) for user in (cast.ada, cast.dev, cast.guest))

    def listed(client):
        answer = client.get("/api/mcp/tools/list")
        assert answer["Cache-Control"] == "private, no-store"
        return [tool["tool"] for tool in answer.json()["tools"]]

    seen = [listed(ada), listed(dev), listed(guest), listed(ada), listed(dev)]
    assert seen == [EVERYTHING, READING, [], EVERYTHING, READING]

    User.objects.filter(pk=cast.guest.pk).update(role=Role.objects.get(name="developer"))
    User.objects.filter(pk=cast.dev.pk).update(role=Role.objects.get(name="viewer"))

    assert [listed(ada), listed(dev), listed(guest)] == [EVERYTHING, [], READING]


# --- T-11 -----------------------------------------------------------------------------------------
def in_thread(user, text, model):
    """That Slack user says something in the one thread; `model` answers."""
    command = asdict(command_of(slash(text, user_id=user))) | {"thread_ts": "1700000000.000001"}
    number = SeenRequest.objects.count()
    request = SeenRequest.let_in(f"v0={number}", f"trigger-{number}", command)
    asking.take_up(request.pk, task=Parked())
    work.run(Question.objects.get(state=Question.State.QUEUED).pk, model=model)


def test_who_replies_in_a_thread_is_judged_as_themselves_and_sees_nothing_of_the_other(
    linked, upstream, slack
):
    guest = linked.guest
    guest.slack_team_id, guest.slack_user_id = "T0TEAM", "U0GUEST"
    guest.save()
    write = ("upstream__write_note", {"text": "the-secret-of-ada"})
    for_ada = ScriptedModel([uses(write), says("noted the-secret-of-ada")])
    for_guest = ScriptedModel([uses(write), says("I could not.")])

    in_thread("U0ADA", "note the-secret-of-ada", for_ada)
    assert [tool for tool, _ in upstream.calls] == ["write_note"], "the test could not fail"
    in_thread("U0GUEST", "do it again", for_guest)

    assert [tool for tool, _ in upstream.calls] == ["write_note"]
    first = for_guest.heard[0]
    assert [message["content"] for message in first.messages] == ["do it again"]
    assert "the-secret-of-ada" not in first.system
    assert first.tools == ()
    asked_by = Question.objects.order_by("created_at").values_list("person__email", flat=True)
    assert list(asked_by) == ["ada@example.com", "guest@example.com"]


# --- T-41 -----------------------------------------------------------------------------------------
def test_two_hundred_questions_of_others_are_not_found(cast, upstream, client_of):
    chance = random.Random(41)
    people = [cast.ada, cast.dev, cast.guest]
    clients = {user.pk: client_of(user) for user in people}
    owned = [(user, put(cast, user, f"question {n}")) for n in range(4) for user in people]
    paths = (
        "/api/query/{0.pk}",
        "/api/query/{0.pk}/events",
        "/api/query/{0.pk}/cancel",
        "/conversation/{0.conversation_id}",
    )
    answers = set()
    for _ in range(200):
        owner, question = chance.choice(owned)
        stranger = chance.choice([user for user in people if user != owner])
        path = chance.choice(paths).format(question)
        client = clients[stranger.pk]
        if path.startswith("/conversation"):
            client = _browser(stranger)
        answer = client.post(path) if path.endswith("cancel") else client.get(path)
        answers.add(answer.status_code)

    assert answers == {404}
    assert not Question.objects.filter(cancel_requested=True).exists()
    owner, question = owned[0]
    assert clients[owner.pk].get(paths[0].format(question)).status_code == 200


def _browser(user):
    browser = Client()
    browser.force_login(user)
    return browser


def test_somebody_elses_question_reads_like_one_that_never_was(cast, upstream, client_of):
    question = asked(cast, cast.ada, "mine", ScriptedModel(["yes"]))
    stranger = client_of(cast.dev)

    there = stranger.get(f"/api/query/{question.pk}")
    nowhere = stranger.get(f"/api/query/{uuid.uuid4()}")

    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
    follow = {"question": "and?", "conversation": str(question.conversation_id)}
    assert stranger.post("/api/query", follow, format="json").status_code == 404
