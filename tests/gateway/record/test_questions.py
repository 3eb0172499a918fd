"""One question as a trace: for who asked it and for auditors, and for nobody else (T-41)."""

import random
from uuid import UUID, uuid4

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Role
from audit import record
from gateway.llm.scripted import ScriptedModel, says, uses
from tests.gateway.administration.test_documented import as_json_schema, faults
from tests.gateway.record.conftest import written
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db

PATH = "/api/audit/questions/{}"
CRM = {"server": "crm", "tool": "find", "call": "c1"}


def question_of(user):
    """A question of this person, on the record alone; its id."""
    question = str(uuid4())
    detail = {"question": f"asked by {user.name}"}
    written(user.email, "question.accepted", question=question, detail=detail)
    written(user.email, "call.calling", question=question, **CRM)
    written(user.email, "call.called", question=question, **CRM)
    written("somebody@example.com", "approval.given", question=question, server="files", tool="x")
    return question


@pytest.fixture
def clients(cast, entries, client_of):
    return {user.pk: client_of(user, scopes=["read"]) for user in (cast.ada, cast.dev, cast.guest)}


def test_who_asked_sees_it_and_auditors_see_anybodys(cast, clients, auditor):
    question = question_of(cast.dev)
    own, other = (clients[user.pk].get(PATH.format(question)) for user in (cast.dev, cast.ada))

    told = own.json()
    assert (told["person"], told["question"]) == (cast.dev.email, "asked by Dev")
    assert [step["label"] for step in told["steps"]] == ["crm · find"]
    assert other.status_code == 404, "a key without the scope admin reads nobody's, whoever's it is"
    assert auditor.get(PATH.format(question)).json() == told


def test_the_right_and_the_scope_are_both_needed_for_others(cast, entries, client_of, client):
    question = question_of(cast.dev)
    Role.objects.filter(name="viewer").update(can_view_audit_logs=True)
    reader, admin = (client_of(cast.guest, scopes=[scope]) for scope in ("read", "admin"))
    client.force_login(cast.guest)

    answers = [one.get(PATH.format(question)).status_code for one in (reader, admin, client)]
    assert answers == [404, 200, 200]
    Role.objects.filter(name="viewer").update(can_view_audit_logs=False)
    answers = [one.get(PATH.format(question)).status_code for one in (admin, client)]
    assert answers == [404, 404]


def test_two_hundred_questions_of_others_are_not_found(cast, clients):
    chance = random.Random(41)
    people = [cast.ada, cast.dev, cast.guest]
    owned = [(user, question_of(user)) for _ in range(4) for user in people]
    browsers = {user.pk: Client() for user in people}
    for user in people:
        browsers[user.pk].force_login(user)
    answers = set()
    for _ in range(200):
        owner, question = chance.choice(owned)
        stranger = chance.choice([user for user in people if user != owner])
        if chance.random() < 0.5:
            answer = clients[stranger.pk].get(PATH.format(question))
            answers.add((answer.status_code, answer.content))
        else:
            answer = browsers[stranger.pk].get(f"/history/questions/{question}")
            answers.add((answer.status_code, b""))

    nowhere = clients[cast.dev.pk].get(PATH.format(UUID(int=7)))
    assert answers == {(404, nowhere.content), (404, b"")}
    owner, question = owned[0]
    assert clients[owner.pk].get(PATH.format(question)).status_code == 200
    assert browsers[owner.pk].get(f"/history/questions/{question}").status_code == 200


def test_a_question_in_which_one_only_approved_something_is_not_ones_own(cast, clients):
    question = str(uuid4())
    written(cast.ada.email, "question.accepted", question=question)
    written(cast.dev.email, "approval.given", question=question, server="crm", tool="find")

    assert clients[cast.dev.pk].get(PATH.format(question)).status_code == 404


def test_a_key_for_one_server_shows_no_call_of_another(cast, entries, client_of):
    question = question_of(cast.dev)
    narrow = client_of(cast.dev, scopes=["read"], servers=["files"])

    assert narrow.get(PATH.format(question)).json()["steps"] == []


@pytest.mark.django_db(transaction=True)
def test_a_question_that_was_asked_and_answered_is_told_as_documented(cast, upstream, client_of):
    model = ScriptedModel(
        [
            uses(("upstream__get_time", {}), ("upstream__write_note", {"text": "x"})),
            says("It is noon."),
        ]
    )
    question = asked(cast, cast.dev, "What time is it?", model)
    path = PATH.format(question.pk)

    answer = client_of(cast.dev, scopes=["read"]).get(path)

    description = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))
    assert faults(description, "get", answer, path) == []
    told = answer.json()
    sorts = [step["sort"] for step in told["steps"] if step["sort"] != "queued"]
    # The two are made side by side.
    assert [sorts[0], *sorted(sorts[1:3]), *sorts[3:]] == ["turn", "call", "refused", "turn"]
    assert {*told["parts"]} == {"queued", "model", "tools", "approval"}
    assert (told["outcome"], told["answer"], told["question"]) == (
        "ok",
        "It is noon.",
        "What time is it?",
    )
    named = {tool for one in told["withheld"] if one["why"] == "policy" for tool in one["tools"]}
    assert {"upstream/delete_everything", "upstream/write_note"} <= named
    missing = client_of(cast.dev, scopes=["read"]).get(PATH.format(UUID(int=7)))
    assert faults(description, "get", missing, path) == []


def test_what_is_on_no_record_any_more_is_not_found(cast, clients):
    question = str(uuid4())
    record.write("question.ended", "ok", who=record.Who(person=cast.dev.email), question=question)

    assert clients[cast.dev.pk].get(PATH.format(question)).status_code == 404
