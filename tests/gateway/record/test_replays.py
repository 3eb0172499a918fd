"""A replay over REST: who may, what is said, and that its description is true."""

from uuid import uuid4

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts import access
from audit.models import Entry
from gateway.models import Question
from tests.gateway.administration.test_documented import as_json_schema, faults
from tests.gateway.replaying import ANSWER, recorded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def question(cast, upstream):
    return recorded(cast)


def path(question):
    return f"/api/audit/questions/{question.pk}/replay"


def test_who_may_view_the_record_replays_and_nobody_else_does(cast, auditor, client_of, question):
    others = [client_of(cast.dev, scopes=["admin"]), client_of(cast.ada, scopes=["read"])]
    assert {client.post(path(question)).status_code for client in others} == {403}
    assert not Entry.objects.filter(kind=Entry.Kind.QUESTION_REPLAYED).exists()

    answer = auditor.post(path(question))

    assert answer.status_code == 200
    assert (answer.json()["same"], answer.json()["answer"]["replayed"]) == (True, ANSWER)
    assert Entry.objects.filter(kind=Entry.Kind.QUESTION_REPLAYED).count() == 1


def test_the_answer_is_as_described(auditor, question):
    description = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))

    response = auditor.post(path(question), {"model": "offline"}, format="json")

    where = "/api/audit/questions/{question_id}/replay"
    assert faults(description, "post", response, where) == []
    answer = response.json()
    assert answer["terms"] == {
        "model": "offline", "prompt": "recorded", "policy": "recorded", "tools": "recorded",
    }  # fmt: skip
    assert (answer["same"], answer["counts"]["missing"]) == (False, 2)


def test_a_version_of_the_policy_is_tried(auditor, question):
    version = access.publish("tests")

    found = auditor.post(path(question), {"policy_version": version.pk}, format="json").json()

    assert (found["same"], found["terms"]["policy"]) == (True, f"version {version.pk}")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"policy_version": 99_999}, 404, None),
        ({"prompt": "Be brief."}, 400, "model"),
        ({"model": "claude-x"}, 400, "model"),
        ({"modle": "x"}, 400, "modle"),
    ],
)
def test_what_cannot_be_tried_is_said(auditor, question, body, status, field):
    answer = auditor.post(path(question), body, format="json")

    assert (answer.status_code, answer.json()["error"].get("field")) == (status, field)


def test_a_question_that_is_not_there_or_runs(auditor, question):
    assert auditor.post(f"/api/audit/questions/{uuid4()}/replay").status_code == 404
    Question.objects.update(state="running")
    assert auditor.post(path(question)).status_code == 409
