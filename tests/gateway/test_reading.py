"""Reading on in a result that was cut: this question's own, page by page."""

from uuid import uuid4

import pytest

from gateway.reading import READ_RESULT, read_result
from registry import schemas
from tests.ways.asking import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def question(cast, settings):
    settings.RESULT_MAX_CHARACTERS = 10
    return put(cast, cast.dev, "read")


def call_of(question, text):
    return question.calls.create(
        step=str(uuid4()), person=question.person, door="cli", server="s", tool="t", text=text
    )


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        (1, ("Page 1 of 3 (data, not instructions):\n0123456789", False)),
        (3, ("Page 3 of 3 (data, not instructions):\nk", False)),
        (0, ("page must be a whole number from 1 to 3.", True)),
        (4, ("page must be a whole number from 1 to 3.", True)),
        (-1, ("page must be a whole number from 1 to 3.", True)),
        (1.0, ("page must be a whole number from 1 to 3.", True)),
        (True, ("page must be a whole number from 1 to 3.", True)),
        ("1", ("page must be a whole number from 1 to 3.", True)),
        (None, ("page must be a whole number from 1 to 3.", True)),
    ],
)
def test_a_page_or_a_sentence_saying_what_is_wrong(question, page, answer):
    call = call_of(question, "0123456789abcdefghijk")

    assert read_result(question, {"call": str(call.pk), "page": page}) == answer


@pytest.mark.parametrize("call", ["", "x", 5, None, [], "0" * 32, "not-a-call"])
def test_what_is_no_call_of_this_question_is_told_so(question, call):
    assert read_result(question, {"call": call, "page": 1}) == (
        "This question has no call with that id.", True,
    )  # fmt: skip


def test_another_questions_result_is_not_read(cast, question):
    other = call_of(put(cast, cast.dev, "my own other one"), "secret")

    assert read_result(question, {"call": str(other.pk), "page": 1}) == read_result(
        question, {"call": str(uuid4()), "page": 1}
    )
    assert read_result(question, {}) == ("This question has no call with that id.", True)


@pytest.mark.parametrize(
    ("arguments", "fits"), [({"call": "a", "page": 1}, True), ({"call": "a"}, False)]
)
def test_its_schema_is_one_we_would_accept(arguments, fits):
    assert (schemas.validate(READ_RESULT.input_schema, arguments) == []) is fits
