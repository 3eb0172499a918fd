"""Where on a line the steps of a question are drawn.

A wait for somebody may take hours between seconds of work: where nothing but waiting goes on, time
is drawn shorter, so that all the rest can still be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.trace import Sort, Step

WIDTH = 1000.0
# The least that is drawn of a step, and the most of a stretch in which everything waits.
LEAST, MOST_OF_A_WAIT = 4.0, 0.2
_IDLE = {Sort.WAIT, Sort.EVENT, Sort.REFUSED}


@dataclass(frozen=True)
class Bar:
    """A step on the line: from where, how far."""

    step: Step
    start: float
    width: float


@dataclass(frozen=True)
class Drawn:
    """The steps as bars; whether waits were drawn shorter than they were."""

    bars: tuple[Bar, ...]
    is_shortened: bool


def draw(steps: Sequence[Step], began: datetime, ended: datetime) -> Drawn:
    """All steps between two moments on one line of `WIDTH`."""
    spans = [(step, step.began, step.ended or ended) for step in steps]
    ends = {moment for _, start, end in spans for moment in (start, end)} | {began, ended}
    moments = sorted(ends)
    busy = [(start, end) for step, start, end in spans if step.sort not in _IDLE]
    weights, is_shortened = _weights(list(_stretches(moments)), busy)
    places = dict(zip(moments, _running(weights), strict=True))
    bars = (Bar(step, *_within(places[start], places[end])) for step, start, end in spans)
    return Drawn(tuple(bars), is_shortened)


def _stretches(moments: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    return zip(moments, moments[1:], strict=False)


def _weights(
    stretches: Sequence[tuple[datetime, datetime]], busy: Sequence[tuple[datetime, datetime]]
) -> tuple[list[float], bool]:
    """How long each stretch is drawn, in seconds; an idle one at most a part of all the work."""
    lengths = [(end - start).total_seconds() for start, end in stretches]
    works = [any(a <= start and end <= b for a, b in busy) for start, end in stretches]
    work = sum(length for length, is_work in zip(lengths, works, strict=True) if is_work)
    most = work * MOST_OF_A_WAIT or max(lengths, default=0.0)
    weights = [
        length if is_work else min(length, most)
        for length, is_work in zip(lengths, works, strict=True)
    ]
    return weights, weights != lengths


def _running(weights: Sequence[float]) -> list[float]:
    """The places of the moments between the stretches, from 0 to `WIDTH`."""
    total = sum(weights) or 1.0
    places, at = [0.0], 0.0
    for weight in weights:
        at += weight
        places.append(WIDTH * at / total)
    return places


def _within(start: float, end: float) -> tuple[float, float]:
    width = max(end - start, LEAST)
    return round(min(start, WIDTH - width), 1), round(width, 1)


def in_words(span: timedelta | None) -> str:
    """A length of time as people say it."""
    if span is None:
        return "goes on"
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
