"""`manage.py replay`: what differs, in words or as JSON; exit 1 when anything does."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import access
from accounts.models import Rule
from tests.gateway.replaying import recorded

pytestmark = pytest.mark.django_db(transaction=True)

POLICY = """
global:
  blocked_tools: [add]
"""


@pytest.fixture
def question(cast, upstream):
    return recorded(cast)


def replay(question, *options, who="ada@example.com"):
    out = StringIO()
    try:
        call_command("replay", str(question.pk), "--as", who, *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error), error.returncode
    return out.getvalue(), "", 0


def test_a_recording_repeated_is_the_same(question):
    said, error, code = replay(question)

    assert (error, code) == ("", 0)
    assert said.splitlines()[:3] == [
        "the same answer",
        'same     upstream__add {"a": 40, "b": 2}',
        "same     upstream__delete_everything {}",
    ]


def test_a_policy_file_is_tried_and_not_applied(question, tmp_path):
    path = tmp_path / "draft.yaml"
    path.write_text(POLICY)

    said, error, code = replay(question, "--policy", str(path), "--json")

    assert (error, code) == ("the replay differs from the recording", 1)
    found = json.loads(said)
    assert (found["same"], found["answer"]["same"]) == (False, True)
    assert [call["outcome"] for call in found["calls"]] == ["refused", "recorded"]
    assert not Rule.objects.filter(kind=Rule.Kind.BLOCKED).exists()


def test_a_version_is_tried_by_its_number(question):
    version = access.publish("tests")

    assert replay(question, "--policy", str(version.pk))[2] == 0
    assert "There is no version 99999" in replay(question, "--policy", "99999")[1]


def test_what_cannot_be_read_is_said(question, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("global:\n  blocked_tools: 7\n")

    assert "global.blocked_tools" in replay(question, "--policy", str(broken))[1]
    assert "--prompt" in replay(question, "--prompt", str(tmp_path / "none.txt"))[1]


def test_another_model_is_compared_line_by_line(question):
    said, error, code = replay(question, "--model", "offline")

    assert code == 1
    assert said.startswith("another answer:\n  --- recorded\n  +++ replayed\n")
    assert "missing  upstream__delete_everything {}" in said


def test_a_prompt_is_read_by_a_model_that_can(question, tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("Be brief.")

    assert "name a model" in replay(question, "--prompt", str(path))[1]
    assert replay(question, "--prompt", str(path), "--model", "offline")[2] == 1


def test_who_may_not_view_the_record_may_not_replay(question):
    assert replay(question, who="dev@example.com")[2] == 1
    assert "view" in replay(question, who="dev@example.com")[1].lower()
