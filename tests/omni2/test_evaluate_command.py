"""`manage.py evaluate`: a suite that passes, one that does not, and a file made from the record."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts import access
from gateway.evaluation import cases
from tests.gateway.replaying import recorded

pytestmark = pytest.mark.django_db(transaction=True)

CASES = """
cases:
  - name: sums
    question: What is 40 and 2?
    expect: {tools: [upstream/add], figures: [42], max_turns: %d}
"""


@pytest.fixture
def suite(cast, upstream, tmp_path):
    recorded(cast)
    path = tmp_path / "cases.yaml"
    path.write_text(CASES % 3)
    return path


def evaluate(path, *options, who="ada@example.com"):
    out = StringIO()
    given = ["--as", who] if who else []
    try:
        call_command("evaluate", str(path), *given, *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error), error.returncode
    return out.getvalue(), "", 0


def test_what_holds_passes(suite):
    said, error, code = evaluate(suite)

    assert (error, code) == ("", 0)
    assert said.splitlines()[-1].startswith("recorded: 1 of 1 passed, 360 tokens")


def test_a_regression_is_told_to_a_ci(suite, tmp_path):
    suite.write_text(CASES % 2)

    said, error, code = evaluate(suite, "--json", "--junit", str(tmp_path / "out.xml"))

    assert (error, code) == ("something does not hold", 1)
    assert json.loads(said)["cases"][0]["columns"][0]["failures"] == ["3 turns, at most 2"]
    assert 'message="3 turns, at most 2"' in (tmp_path / "out.xml").read_text()


def test_models_are_compared_in_columns(suite):
    said, _, code = evaluate(suite, "--model", "recorded", "--model", "offline")

    assert code == 1
    assert said.split()[:2] == ["recorded", "offline"]


def test_a_version_of_the_policy_decides(suite):
    version = access.publish("tests")

    assert evaluate(suite, "--policy", str(version.pk))[2] == 0
    assert "no version 99999" in evaluate(suite, "--policy", "99999")[1]


@pytest.mark.parametrize(
    ("options", "who", "said"),
    [
        ((), "", "--as: who replays?"),
        ((), "dev@example.com", "view"),
        (("--live", "--model", "x"), "", "--live asks with the model"),
        (("--prompt", "/none"), "ada@example.com", "--prompt"),
    ],
)
def test_what_cannot_be_run_is_said(suite, options, who, said):
    assert said in evaluate(suite, *options, who=who)[1]


def test_a_file_is_made_of_the_record_once(suite, tmp_path):
    made = tmp_path / "made.yaml"

    assert evaluate(made, "--record", who="")[0] == f"1 cases in {made}\n"
    assert evaluate(made)[2] == 0
    assert "File exists" in evaluate(made, "--record", who="")[1]
    assert "No question" in evaluate(made, "--record", "--of", "x@example.com", who="")[1]


def test_the_example_is_a_set_of_cases():
    assert len(cases.read(Path("config/evaluation.yaml"))) == 3
