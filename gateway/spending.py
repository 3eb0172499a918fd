"""What a question has used, and whether it may use more."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from accounts import budgets
from accounts.budgets import Amounts
from accounts.errors import LimitReached as PersonLimitReached
from gateway import errors
from gateway.llm import prices
from gateway.llm.base import NO_TOKENS, ModelCancelled, ModelCut, ModelTimedOut, Usage
from gateway.models import Question


class Spending:
    """Tokens and cost of one question, added up turn by turn. A cost not known stays unknown."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._usage = NO_TOKENS
        self._cost: Decimal | None = Decimal(0)
        self._price: dict[str, object] | None = None
        self._model = ""
        self._most: Amounts | None = None

    def add(self, model: str, usage: Usage) -> prices.Cost:
        """Count one turn and say what it cost.

        Each is priced by itself, for prices may depend on a prompt's length.
        """
        cost = prices.reckon(model, usage, on=timezone.now().date())
        if self._cost is None or cost.amount is None:
            self._cost = None
        else:
            self._cost += cost.amount
        self._price, self._model = cost.row, model
        self._usage += Usage(*(count or 0 for count in vars(usage).values()))
        return cost

    def check(self) -> None:
        """Raise LimitReached when the question has used up what one question may."""
        tokens = (self._usage.prompt or 0) + (self._usage.output or 0)
        if tokens > settings.QUESTION_MAX_TOKENS:
            raise errors.LimitReached(
                f"This question has used {tokens} tokens;"
                f" one may use {settings.QUESTION_MAX_TOKENS}."
            )
        if self._cost is not None and self._cost > Decimal(str(settings.QUESTION_MAX_COST)):
            raise errors.LimitReached(
                f"This question has cost ${self._cost}; one may cost ${settings.QUESTION_MAX_COST}."
            )

    def used(self) -> Amounts:
        """What it has used so far; before the first turn that is nothing."""
        tokens = (self._usage.prompt or 0) + (self._usage.output or 0)
        return Amounts(tokens, self._cost)

    @contextmanager
    def turn(self, model: str, request: Sequence[object]) -> Iterator[None]:
        """One turn of the model, of which `request` is all that is sent, within the budgets.

        Raises LimitReached when what is held for the question does not cover it. A turn that
        breaks off counts as the most it may have used, for nobody says what it did.
        """
        if not self._is_budgeted:
            yield
            return
        self._most = most = _most(model, request)
        tokens = (self._usage.prompt or 0) + (self._usage.output or 0)
        try:
            budgets.cover(self._question.pk, Amounts(tokens, self._cost), most)
        except PersonLimitReached as reached:
            raise errors.LimitReached(reached=reached) from None
        try:
            yield
        except (ModelCancelled, ModelTimedOut, ModelCut):
            budgets.lose(self._question.pk, most)
            raise

    def hear(self, usage: Usage) -> None:
        """A turn whose provider does not say what it used counts as the most it may have."""
        if self._most is not None and (usage.input is None or usage.output is None):
            budgets.lose(self._question.pk, Amounts(self._most.tokens, Decimal(0)))

    @cached_property
    def _is_budgeted(self) -> bool:
        return budgets.is_holding(self._question.pk)

    def save(self) -> None:
        """Put the sums on the question's row."""
        values = {
            "model": self._model,
            "input_tokens": self._usage.input,
            "output_tokens": self._usage.output,
            "cache_read_tokens": self._usage.cache_read,
            "cache_write_tokens": self._usage.cache_write,
            "cost": self._cost,
            "price": self._price,
        }
        Question.objects.filter(pk=self._question.pk).update(**values)
        for name, value in values.items():
            setattr(self._question, name, value)


# What a provider adds to a prompt of its own accord, such as how tools are used.
_OVERHEAD_TOKENS = 1000


def _most(model: str, request: Sequence[object]) -> Amounts:
    """The most that a turn can use: a token is at least a byte, and an answer has its bound."""
    sent = len(json.dumps(request, ensure_ascii=False, default=vars).encode("utf-8", "replace"))
    prompt, answer = sent + _OVERHEAD_TOKENS, settings.MODEL_MAX_TOKENS
    cost = prices.at_most(model, prompt=prompt, answer=answer, on=timezone.now().date())
    return Amounts(prompt + answer, cost)
