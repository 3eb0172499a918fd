"""What a value of a server's row must be beyond its column's kind; every door asks these."""

import math
from typing import Any

from django.core.exceptions import ValidationError

from audit.storable import flaw_of


def check_finite(value: float) -> None:
    """Refuse NaN, which is neither below nor above any limit, and infinity."""
    if not math.isfinite(value):
        raise ValidationError("This is not a number.")


def check_storable(value: Any) -> None:
    """Refuse a JSON value that not every database keeps as it is."""
    flaw = flaw_of(value)
    if flaw:
        raise ValidationError(f"It holds {flaw}.")
