"""What a value of a server's row must be beyond its column's kind; every door asks these."""

import math

from django.core.exceptions import ValidationError


def check_finite(value: float) -> None:
    """Refuse NaN, which is neither below nor above any limit, and infinity."""
    if not math.isfinite(value):
        raise ValidationError("This is not a number.")
