"""A file held against its vocabulary: what it says as plain data, and everything wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from omni2.configuration.leaves import WRONG, Leaves, expected
from omni2.configuration.problems import Note, Place, Problem
from omni2.configuration.reading import Read
from omni2.configuration.shapes import (
    Data,
    Effect,
    Either,
    Ignored,
    ListOf,
    MapOf,
    Section,
    Shape,
    Stored,
    Variable,
    nearest,
)


@dataclass
class Checked:
    """What a file says, without what is wrong in it; with the lines to speak about the rest."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)

    def place(self, path: str) -> Place:
        """Where `path` stands, else the nearest thing around it."""
        around = path
        while around and around not in self.places:
            around = around[: max(around.rfind("."), around.rfind("["), 0)]
        line = self.places[around].line if around in self.places else 1
        return Place(self.file, line, path)

    def sound(self, *paths: str) -> bool:
        """Whether nothing wrong was found so far at these paths or inside of them."""
        wrong = {problem.place.path for problem in self.problems}
        return not any(
            place == path or place.startswith((f"{path}.", f"{path}["))
            for place in wrong
            for path in paths
        )

    def refuse(self, path: str, message: str) -> None:
        """Report an error of meaning at `path`."""
        self.problems.append(Problem(self.place(path), message))

    def note(self, path: str, because: str) -> None:
        """Report that what stands at `path` has no effect."""
        place = self.place(path)
        self.notes.append(
            Note(place, f"no effect here: {path} (line {place.line}), because {because}")
        )

    def warn(self, path: str, message: str) -> None:
        """Report something that is imported, and may not be what its writer meant."""
        place = self.place(path)
        self.warnings.append(Note(place, f"{path} (line {place.line}): {message}"))


def check(
    top: Read,
    vocabulary: Section,
    *,
    environ: Mapping[str, str],
    own_secrets: Iterable[str] = (),
) -> Checked:
    """Hold `top` against `vocabulary`. Never raises: what is wrong stands in `problems`.

    Variables named in `own_secrets` must not be used in values that are applied.
    """
    checked = Checked(top.place.file)
    leaves = Leaves(environ, frozenset(own_secrets), checked.problems)
    data = _Checker(checked, leaves).check(top, vocabulary, None)
    checked.data = data if isinstance(data, dict) else {}
    return checked


class _Checker:
    def __init__(self, checked: Checked, leaves: Leaves) -> None:
        self.checked = checked
        self.leaves = leaves

    def check(self, read: Read, shape: Shape, effect: Effect | None) -> Any:
        """The plain value of `read`, or WRONG after reporting why not."""
        effect = shape.effect or effect
        self.checked.places[read.place.path] = read.place
        if isinstance(shape, Either):
            return self._either(read, shape, effect)
        if isinstance(shape, Section | MapOf | ListOf):
            return self._container(read, shape, effect)
        value = self.leaves.read(read, shape, effect)
        self._report(read, effect, value)
        return value

    def _container(self, read: Read, shape: Section | MapOf | ListOf, effect: Effect | None) -> Any:
        if not isinstance(read.value, list if isinstance(shape, ListOf) else dict):
            return self.leaves.wrong(read, expected(shape, read))
        if not read.value:
            self._report(read, effect, read.value)
        if isinstance(shape, ListOf):
            return self._list(read, shape, effect)
        if isinstance(shape, MapOf):
            return self._map(read, shape, effect)
        return self._section(read, shape, effect)

    def _map(self, read: Read, shape: MapOf, effect: Effect | None) -> dict[str, Any]:
        self.leaves.check_keys(read)
        data = {}
        for key, item in read.value.items():
            if item.value is None and isinstance(shape.value, Section):
                item = replace(item, value={})
            data[key] = self.check(item, shape.value, effect)
        return {key: value for key, value in data.items() if value is not WRONG}

    def _section(self, read: Read, shape: Section, effect: Effect | None) -> dict[str, Any]:
        data = {}
        for key, item in read.value.items():
            if key not in shape.keys:
                self.leaves.wrong(item, f"unknown key {ascii(key)}; {nearest(key, shape.keys)}")
            elif item.value is None:
                # `slack_user_id: null` says what leaving the key out says.
                self._report(item, shape.keys[key].effect or effect, None)
            else:
                data[key] = self.check(item, shape.keys[key], effect)
        for key in shape.required:
            if key not in data:
                self.leaves.wrong(read, f"{key} is missing")
        return {key: value for key, value in data.items() if value is not WRONG}

    def _list(self, read: Read, shape: ListOf, effect: Effect | None) -> list[Any]:
        if isinstance(shape.item, Section | MapOf):
            items = [self.check(item, shape.item, effect) for item in read.value]
        else:
            # One note for the list, not one for each of its values.
            before = len(self.checked.notes)
            items = [self.check(item, shape.item, effect) for item in read.value]
            del self.checked.notes[before:]
            if read.value:
                self._report(read, effect, items)
        # A value that was wrong leaves its place, so that paths stay those of the file.
        return [None if item is WRONG else item for item in items]

    def _either(self, read: Read, shape: Either, effect: Effect | None) -> Any:
        for option in shape.options:
            if _fits(read.value, option):
                return self.check(read, option, effect)
        return self.leaves.wrong(read, expected(shape, read))

    def _report(self, read: Read, effect: Effect | None, value: Any) -> None:
        place = read.place
        key = f"{place.path} (line {place.line})"
        match effect:
            case Ignored(because=because):
                text = f"no effect here: {key}, because {because}"
            case Stored(to=to, because=because):
                text = f"stored as {to}, no effect yet: {key}, because {because}"
            case Variable():
                text = f"not imported: {key}; {_assignment(effect, read, value)}"
            case _:
                return
        self.checked.notes.append(Note(place, text))


def _assignment(effect: Variable, read: Read, value: Any) -> str:
    known = value is not WRONG and value is not None and "${" not in str(read.value)
    if effect.secret or not known:
        what = f"set {effect.name} in the environment"
    else:
        value = str(value).lower() if isinstance(value, bool) else value
        shown = ",".join(map(str, value)) if isinstance(value, list) else value
        what = f"set {effect.name}={shown} in the environment"
    secret = " (a secret, not shown here)" if effect.secret else ""
    return what + secret + (f": {effect.note}" if effect.note else "")


def _fits(value: Any, option: Shape) -> bool:
    """Whether an option of an Either is the one meant; the kind of the value alone tells."""
    if isinstance(option, Section | MapOf):
        return isinstance(value, dict)
    if isinstance(option, ListOf):
        return isinstance(value, list)
    return isinstance(option, Data) or not isinstance(value, dict | list | None)
