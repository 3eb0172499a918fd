"""Charts as shapes of an SVG, drawn by the server: no script, no library, nothing from elsewhere.

The plot is a box of 100 by 100 that stretches to the place it gets; whatever is to be read stands
beside it as text, and once more in a table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor, log10

SIZE = 100.0
# The part of its step that a bar fills.
BAR = 0.78
# So many values of a line are drawn as dots too; of more, only those that no line leads to.
DOTTED = 31


@dataclass(frozen=True)
class Series:
    """One line or layer: a value for each step, None where there is none. `tone` is its colour."""

    name: str
    tone: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Shape:
    """A path of the SVG, in the colour of its series."""

    tone: str
    path: str


@dataclass(frozen=True)
class Step:
    """One hour or day: where it lies, what it says, where it leads."""

    x: float
    width: float
    label: str
    said: str
    cells: Sequence[str]
    link: str


@dataclass(frozen=True)
class Chart:
    """Series over the same steps; bars lie on top of each other, lines do not."""

    title: str
    series: Sequence[Series]
    labels: Sequence[str]
    links: Sequence[str]
    spell: Callable[[float], str]
    edge: Callable[[float], str]
    is_lines: bool = False

    @cached_property
    def top(self) -> float:
        """The upper edge: a round number that nothing is above."""
        columns = zip(*(one.values for one in self.series), strict=True)
        add: Callable[[list[float]], float] = max if self.is_lines else sum
        most = max((add([value or 0 for value in column]) for column in columns), default=0)
        return round_up(most)

    @property
    def edges(self) -> list[str]:
        """What stands at the left edge, from the top down."""
        return [self.edge(self.top), self.edge(self.top / 2), self.edge(0)]

    @property
    def ends(self) -> list[str]:
        """What stands below: the first step, the middle one, the last."""
        if len(self.labels) < 3:
            return list(self.labels)
        return [self.labels[0], self.labels[(len(self.labels) - 1) // 2], self.labels[-1]]

    @property
    def is_empty(self) -> bool:
        return not any(value for one in self.series for value in one.values)

    @property
    def shapes(self) -> list[Shape]:
        draw = self._lines if self.is_lines else self._bars
        return [shape for shape in draw() if shape.path]

    @property
    def dots(self) -> list[Shape]:
        """The values of lines that are few, or have no neighbours, to be seen by themselves."""
        if not self.is_lines:
            return []
        drawn = [Shape(one.tone, self._dots(one.values)) for one in self.series]
        return [shape for shape in drawn if shape.path]

    @property
    def steps(self) -> list[Step]:
        """What is said of each step, where the pointer is and in the table."""
        width = SIZE / max(1, len(self.labels))
        return [
            Step(round(number * width, 3), round(width, 3), label, *self._said(number))
            for number, label in enumerate(self.labels)
        ]

    def _said(self, number: int) -> tuple[str, list[str], str]:
        cells = [
            "–" if (value := one.values[number]) is None else self.spell(value)
            for one in self.series
        ]
        named = [f"{one.name} {cell}" for one, cell in zip(self.series, cells, strict=True)]
        return f"{self.labels[number]}: {', '.join(named)}", cells, self.links[number]

    def _bars(self) -> list[Shape]:
        width = SIZE / max(1, len(self.labels))
        below = [0.0] * len(self.labels)
        shapes = []
        for one in self.series:
            path = ""
            for number, value in enumerate(one.values):
                if value:
                    x, y = (number + (1 - BAR) / 2) * width, self._y(below[number])
                    below[number] += value
                    right, up = x + BAR * width, self._y(below[number])
                    path += f"M{x:.2f} {y:.2f}V{up:.2f}H{right:.2f}V{y:.2f}Z"
            shapes.append(Shape(one.tone, path))
        return shapes

    def _lines(self) -> list[Shape]:
        return [Shape(one.tone, self._line(one.values)) for one in self.series]

    def _line(self, values: Sequence[float | None]) -> str:
        """A line through the middles of the steps, broken where there is no value."""
        width = SIZE / max(1, len(values))
        path, pen = "", "M"
        for number, value in enumerate(values):
            if value is None:
                pen = "M"
                continue
            path += f"{pen}{(number + 0.5) * width:.2f} {self._y(value):.2f}"
            pen = "L"
        return path

    def _dots(self, values: Sequence[float | None]) -> str:
        """Lines of no length, which round ends make dots."""
        width = SIZE / max(1, len(values))
        around = [None, *values, None]
        path = ""
        for number, value in enumerate(values):
            is_alone = around[number] is None and around[number + 2] is None
            if value is not None and (is_alone or len(values) <= DOTTED):
                path += f"M{(number + 0.5) * width:.2f} {self._y(value):.2f}h0"
        return path

    def _y(self, value: float) -> float:
        return SIZE - SIZE * value / self.top


def round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 times a power of ten; 1 of nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(power * lead for lead in (1, 2, 4, 5, 6, 8, 10) if value <= power * lead * 1.000001)
