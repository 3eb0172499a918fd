"""What a question has used: added up turn by turn, stopped at the limit, unknown when unknown."""

from decimal import Decimal

import pytest

from gateway import errors
from gateway.llm.base import Usage
from gateway.models import Question
from gateway.spending import Spending
from tests.ways.asking import put

MILLION = 1_000_000


def spent(*turns):
    """Spending after these (model, usage); the question's row is not read."""
    spending = Spending(Question())
    for model, usage in turns:
        spending.add(model, usage)
    return spending


def stopped(spending):
    try:
        spending.check()
    except errors.LimitReached as reached:
        return reached.message
    return ""


@pytest.mark.parametrize(
    ("usage", "stops"),
    [
        (Usage(1000, 0, 0, 0), ""),
        (Usage(1001, 0, 0, 0), "This question has used 1001 tokens; one may use 1000."),
        (Usage(400, 301, 200, 100), "This question has used 1001 tokens; one may use 1000."),
        (Usage(1000, None, None, None), ""),
    ],
)
def test_tokens_of_every_kind_count_up_to_the_limit(settings, usage, stops):
    settings.QUESTION_MAX_TOKENS = 1000

    assert stopped(spent(("offline", usage))) == stops


@pytest.mark.parametrize(
    ("turns", "stops"),
    [
        ([("claude-opus-5-5", Usage(250_000, 50_000, 0, 0))], ""),
        (
            [("claude-opus-5-5", Usage(250_000, 50_001, 0, 0))],
            "This question has cost $2.00002; one may cost $2.0.",
        ),
        ([("unheard-of", Usage(MILLION, MILLION, 0, 0))], ""),
    ],
)
def test_cost_counts_up_to_the_limit(settings, turns, stops):
    settings.QUESTION_MAX_TOKENS, settings.QUESTION_MAX_COST = 10 * MILLION, 2.0

    assert stopped(spent(*turns)) == stops


HAIKU, OPUS, FREE = "claude-haiku-4-5", "claude-opus-5-5", "offline"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("turns", "tokens", "cost", "model"),
    [
        ([], (0, 0, 0, 0), Decimal(0), ""),
        ([(FREE, Usage(5, 6, 0, 0))], (5, 6, 0, 0), Decimal(0), FREE),
        (
            [(HAIKU, Usage(MILLION, 0, 0, 0)), (OPUS, Usage(0, MILLION, 0, 0))],
            (MILLION, MILLION, 0, 0), Decimal(21), OPUS,
        ),
        # No price for its cache, a count that is missing, a model nobody knows: unknown for good.
        ([(HAIKU, Usage(1, 1, 1, 0)), (FREE, Usage(1, 1, 0, 0))], (2, 2, 1, 0), None, FREE),
        ([(OPUS, Usage(1, None, 0, 0)), (OPUS, Usage(1, 2, 0, 0))], (2, 2, 0, 0), None, OPUS),
        ([("scripted", Usage(1, 2, 3, 4))], (1, 2, 3, 4), None, "scripted"),
    ],
)  # fmt: skip
def test_the_sums_stand_on_the_questions_row(cast, turns, tokens, cost, model):

    question = put(cast, cast.dev, "hello")
    spending = Spending(question)
    for turn in turns:
        spending.add(*turn)

    spending.save()

    stored = Question.objects.get(pk=question.pk)
    for row in (question, stored):
        assert (row.model, row.cost) == (model, cost)
        assert (
            row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cache_write_tokens,
        ) == tokens  # fmt: skip
    assert (stored.price is None) == (not turns or model == "scripted")
