"""Figures as people write them: separators of several countries, scales, percent, units.

"1.234" is 1234 in Berlin and 1.234 in Boston. Where a spelling can be read in two ways, both count.
"""

import re
from decimal import Decimal

from gateway.citations.model import Reading

_SPACES = re.compile(r"[ \u00a0\u202f'\u2019_]")
_MOST_DIGITS = 30
ONE = Decimal(1)

# What a scale multiplies by. Letters may as well be a unit: then the figure itself counts too.
SCALES: dict[str, tuple[Decimal, ...]] = {
    **dict.fromkeys(("thousand", "tausend", "mille", "mil"), (Decimal(10**3),)),
    **dict.fromkeys(
        ("million", "millions", "millionen", "millones", "milioni", "mio", "mio.", "mn"),
        (Decimal(10**6),),
    ),
    **dict.fromkeys(("milliarde", "milliarden", "milliard", "milliards", "mrd", "mrd."),
                    (Decimal(10**9),)),
    **dict.fromkeys(("billion", "billions", "bn"), (Decimal(10**9),)),
    **dict.fromkeys(("trillion", "trillions", "tn"), (Decimal(10**12),)),
    "k": (ONE, Decimal(10**3)),
    "m": (ONE, Decimal(10**6)),
    "b": (ONE, Decimal(10**9)),
    **dict.fromkeys(("%", "percent", "per cent", "pct", "prozent"), (ONE, Decimal("0.01"))),
    # Units, to what a machine would count in.
    "kb": (ONE, Decimal(10**3), Decimal(2**10)),
    "mb": (ONE, Decimal(10**6), Decimal(2**20)),
    "gb": (ONE, Decimal(10**9), Decimal(2**30)),
    "tb": (ONE, Decimal(10**12), Decimal(2**40)),
    "kib": (ONE, Decimal(2**10)),
    "mib": (ONE, Decimal(2**20)),
    "gib": (ONE, Decimal(2**30)),
    "tib": (ONE, Decimal(2**40)),
    "ms": (ONE, Decimal("0.001")),
    **dict.fromkeys(("s", "sec", "second", "seconds", "sekunden"), (ONE, Decimal(1000))),
    **dict.fromkeys(("min", "minute", "minutes", "minuten"), (ONE, Decimal(60), Decimal(60_000))),
    **dict.fromkeys(("h", "hour", "hours", "stunden"),
                    (ONE, Decimal(60), Decimal(3600), Decimal(3_600_000))),
}  # fmt: skip
_WORDS = "|".join(sorted((re.escape(word) for word in SCALES), key=len, reverse=True))
SCALE = rf"(?:{_WORDS})(?![\w])"


def read(digits: str) -> tuple[tuple[Decimal, Decimal], ...]:
    """The values that `digits` can stand for, each with what its last digit counts.

    Empty where it is no figure: "1,2,3", "10.0.0.1".
    """
    plain = _SPACES.sub("", digits)
    if len(plain) > _MOST_DIGITS:
        return ()
    used = {mark for mark in ",." if mark in plain}
    if not used:
        return (_value(plain, ""),)
    if len(used) == 2:
        return _with_both(plain)
    return _with_one(plain, used.pop())


def _value(whole: str, fraction: str) -> tuple[Decimal, Decimal]:
    text = f"{whole}.{fraction}" if fraction else whole
    return Decimal(text), ONE.scaleb(-len(fraction))


def _with_both(plain: str) -> tuple[tuple[Decimal, Decimal], ...]:
    """Of two kinds of marks the last one is the decimal mark, and stands there once."""
    decimal = max(",.", key=plain.rfind)
    thousands = "," if decimal == "." else "."
    whole, _, fraction = plain.rpartition(decimal)
    if decimal in whole or not _is_grouped(whole, thousands):
        return ()
    return (_value(whole.replace(thousands, ""), fraction),)


def _with_one(plain: str, mark: str) -> tuple[tuple[Decimal, Decimal], ...]:
    readings = []
    if _is_grouped(plain, mark) and not plain.startswith("0"):
        readings.append(_value(plain.replace(mark, ""), ""))
    if plain.count(mark) == 1:
        readings.append(_value(*plain.split(mark)))
    return tuple(readings)


def _is_grouped(text: str, mark: str) -> bool:
    """In threes, or as in India the last three and twos before."""
    first, *rest = text.split(mark)
    if not rest or not 1 <= len(first) <= 3 or len(rest[-1]) != 3:
        return False
    sizes = {len(one) for one in rest[:-1]}
    return sizes <= {3} or (sizes == {2} and len(first) <= 2)


def readings(digits: str, scale: str, *, about: bool) -> tuple[Reading, ...]:
    """Every reading of a figure with the scale or unit behind it; `about` where it says so."""
    made = []
    for value, step in read(digits):
        for factor in SCALES.get(scale.lower(), (ONE,)):
            made.append(_reading(value, step, factor, about=about))
    return tuple(made)


def _reading(value: Decimal, step: Decimal, factor: Decimal, *, about: bool) -> Reading:
    scaled = factor != ONE
    if about and step == ONE and value:
        step = ONE.scaleb(_trailing_zeros(value))
    # A whole figure of two digits may be what is left of a fraction: 43 ms of 42.7.
    rounds = about or scaled or step < ONE or value >= 10
    return Reading(value * factor, step * factor, rounds, scaled)


def _trailing_zeros(value: Decimal) -> int:
    text = str(int(value))
    return len(text) - len(text.rstrip("0"))
