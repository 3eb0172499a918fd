"""A stretch of time as commands take it: `30d`, `12h`."""

import re
from argparse import ArgumentTypeError
from datetime import timedelta

_HOURS = {"d": 24, "h": 1}
_MOST_HOURS = 24 * 3660


def period(text: str) -> timedelta:
    """So many days or hours. Raises ArgumentTypeError, which argparse shows."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([dh])", text, re.ASCII)
    hours = int(found[1]) * _HOURS[found[2]] if found else 0
    if not 0 < hours <= _MOST_HOURS:
        raise ArgumentTypeError(f"{text!r}: days or hours are expected, as in 30d or 12h")
    return timedelta(hours=hours)
