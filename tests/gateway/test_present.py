"""A question as every door shows it: the same keys in every state, and no guess."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway import api_shapes as shapes
from gateway import present
from gateway.models import Call, Question
from tests.ways.asking import put

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def question(cast):
    row = put(cast, cast.dev, "hello")
    row.created_at = BEGAN
    return row


@pytest.mark.parametrize("state", Question.State.values)
def test_the_shape_is_the_documented_one_in_every_state(question, state):
    question.state = state
    question.calls.create(person=question.person, door="cli", server="s", tool="t")

    shown = present.question(question)

    assert shown.keys() == shapes.Question().fields.keys()
    assert shown["calls"][0].keys() == shapes.Call().fields.keys()
    assert shown["tokens"].keys() == shapes.Tokens().fields.keys()
    assert shown["urls"].keys() == shapes.Urls().fields.keys()
    assert present.brief(question).keys() == shapes.Accepted().fields.keys()


def test_before_its_end_nothing_is_known(question):
    shown = present.question(question)

    unknown = ("warning", "error", "started_at", "finished_at", "milliseconds", "cost_usd")
    assert [shown[name] for name in unknown] == [None] * 6
    assert (shown["answer"], shown["answer_html"], shown["calls"]) == ("", "", [])
    assert shown["created_at"] == "2026-01-02T03:04:05+00:00"


def test_after_its_end_everything_is_told(question):
    question.answer, question.warning = "**5**", "answer_cut"
    question.finished_at = BEGAN + timedelta(milliseconds=1500)
    question.error_code, question.error_message, question.error_id = "internal", "No.", "ab"

    shown = present.question(question)

    assert shown["answer_html"] == "<p><strong>5</strong></p>\n"
    assert (shown["warning"], shown["milliseconds"]) == ("answer_cut", 1500)
    assert shown["error"] == {"code": "internal", "message": "No.", "error_id": "ab"}


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (None, None),
        (Decimal(0), "0"),
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("12.50"), "12.50"),
    ],
)
def test_money_is_decimal_text_and_unknown_is_not_nothing(question, cost, shown):
    question.cost = cost

    assert present.question(question)["cost_usd"] == shown


DECISION = {
    "effect": "deny", "layer": "role", "rule": "r", "reason": "no", "fix": "ask", "bypassed": [],
    "grant_helps": True, "id": "d1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (Call.State.DONE, None),
        (Call.State.UNKNOWN, None),
        (
            Call.State.REFUSED,
            {
                "layer": "role",
                "rule": "r",
                "reason": "no",
                "fix": "ask",
                "grant_helps": True,
                "decision_id": "d1",
            },
        ),
    ],
)
def test_a_refused_call_says_why_and_how_to_a_yes(state, refusal):
    row = Call(server="s", tool="t", state=state, text="x" * 600, decision=DECISION)

    shown = present.call(row)

    assert (shown["state"], shown["refusal"]) == (state, refusal)
    assert shown["preview"] == "x" * 499 + "…"


def test_a_call_that_wants_an_account_says_where_it_is_connected():
    rows = [
        Call(server="crm", tool="t", state=Call.State.FAILED, error_code=code)
        for code in ("not_connected", "unreachable")
    ]
    assert [present.call(row)["connect_url"] for row in rows] == [
        "http://127.0.0.1:8000/connections/#crm",
        None,
    ]
