"""What a file may say: shapes for values, and for each key what becomes of it.

Every key has an effect, its own or that of the section it stands in:

* `Applied(to)`   it is written where `to` says
* `Stored(to, because)`   it is written, but nothing of this version acts on it
* `Ignored(because)`   it has no effect here
* `Variable(name)`   the environment variable that says the same; nothing is written
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Applied:
    """The import writes it: `to` is a row and field, or the rule it becomes."""

    to: str


@dataclass(frozen=True)
class Stored:
    """The import writes it, and this version does not act on it yet: reported with the reason."""

    to: str
    because: str


@dataclass(frozen=True)
class Ignored:
    """The import writes nothing: reported with the reason, a clause that follows "because"."""

    because: str


@dataclass(frozen=True)
class Variable:
    """Deployment's business: reported with the environment variable of `omni2/settings.py`."""

    name: str
    secret: bool = False
    note: str = ""


Effect = Applied | Stored | Ignored | Variable


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One value. Without an effect of its own it has that of the section around it."""

    effect: Effect | None = None


@dataclass(frozen=True, kw_only=True)
class Text(Shape):
    """Text, one of `choices` where there are any."""

    choices: tuple[str, ...] = ()
    longest: int | None = None
    may_be_empty: bool = True
    reference: bool = False
    """A secret: its `${VAR}` must be set, and is what is stored."""


@dataclass(frozen=True, kw_only=True)
class Whole(Shape):
    """A whole number."""

    least: int = 0
    most: int = 2_147_483_647


@dataclass(frozen=True, kw_only=True)
class Number(Shape):
    """A number, with or without a fraction; `above` excludes the bound itself."""

    least: float = 0
    above: bool = False
    most: float = 1e9


@dataclass(frozen=True, kw_only=True)
class Flag(Shape):
    """true or false (yes, no, on, off without quotes too, as YAML 1.1 had it)."""


@dataclass(frozen=True, kw_only=True)
class ListOf(Shape):
    """A list of one shape."""

    item: Shape


@dataclass(frozen=True, kw_only=True)
class MapOf(Shape):
    """A mapping whose keys are names of the writer's choosing; the pages call one `key`."""

    key: str
    value: Shape


@dataclass(frozen=True, kw_only=True)
class Section(Shape):
    """A mapping with these keys and no others."""

    keys: Mapping[str, Shape]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Either(Shape):
    """One of several shapes; they differ in kind (text, list, mapping)."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, kw_only=True)
class Data(Shape):
    """Any plain data, taken as it stands."""


def described(shape: Shape) -> str:
    """What a value of this shape is, in words for an error and for the pages."""
    match shape:
        case ListOf(item=item):
            return f"a list ({described(item)})"
        case MapOf(key=key, value=value):
            return f"a mapping ({key}: {described(value)})"
        case Either(options=options):
            return ", or ".join(described(option) for option in options)
        case Whole(least=least) | Number(least=least):
            return _number_described(shape, least)
    if isinstance(shape, Text) and shape.choices:
        return " | ".join(f'"{choice}"' if choice == "*" else choice for choice in shape.choices)
    return _NAMES[type(shape)]


_NAMES: dict[type[Shape], str] = {
    Text: "text",
    Flag: "true or false",
    Section: "a mapping",
    Data: "anything",
}


def _number_described(shape: Shape, least: float) -> str:
    name = "a whole number" if isinstance(shape, Whole) else "a number"
    if isinstance(shape, Number) and shape.above:
        return f"{name} above {least:g}"
    return f"{name} from {least:g}" if least else name


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause naming the known name that is most like `name`, else all of them."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    if close:
        return f"did you mean {by_lower[close[0]]}?"
    return f"known here: {', '.join(names)}" if names else "nothing is known here"
