"""Figures as people read them: counts, dollars, durations, shares, moments."""

from datetime import datetime
from decimal import Decimal

_THOUSANDS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{round(number):,}"


def short(number: float) -> str:
    """A number for the edge of a chart: 1.2k, 34M."""
    for size, letter in _THOUSANDS:
        if abs(number) >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def dollars(amount: Decimal | float) -> str:
    """US dollars to the cent; what is less, to two digits that say something."""
    if 0 < amount < Decimal("0.01"):
        return f"${amount:.2g}"
    return f"${amount:,.2f}"


def duration(milliseconds: float | None) -> str:
    """Milliseconds in the unit that fits; a dash where nothing was measured."""
    if milliseconds is None:
        return "–"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 119.95 else f"{seconds / 60:.1f} min"


def share(part: float, whole: float) -> str:
    """A part in percent; a dash of nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 or not part else f"{percent:.1f} %"


def moment(at: datetime, granularity: str) -> str:
    """An hour or a day (UTC), as a chart names it."""
    return f"{at:%a} {at.day} {at:%b}" + (f" {at:%H:%M}" if granularity == "hour" else "")
