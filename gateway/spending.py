"""What a question has used, and whether it may use more."""

from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from gateway import errors
from gateway.llm import prices
from gateway.llm.base import NO_TOKENS, Usage
from gateway.models import Question


class Spending:
    """Tokens and cost of one question, added up turn by turn. A cost not known stays unknown."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._usage = NO_TOKENS
        self._cost: Decimal | None = Decimal(0)
        self._price: dict[str, object] | None = None
        self._model = ""

    def add(self, model: str, usage: Usage) -> None:
        """Count one turn; each is priced by itself, for prices may depend on a prompt's length."""
        cost = prices.reckon(model, usage, on=timezone.now().date())
        if self._cost is None or cost.amount is None:
            self._cost = None
        else:
            self._cost += cost.amount
        self._price, self._model = cost.row, model
        self._usage += Usage(*(count or 0 for count in vars(usage).values()))

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
