"""`${VAR}` and `${VAR:-default}` in the values of a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Substituted:
    """A text with its variables filled in, or the names of those that are not set."""

    text: str
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    broken: bool = False
    """A `${` is left that is neither form."""


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """Fill in every variable. An empty variable counts as unset where there is a default."""
    names: list[str] = []
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        names.append(name)
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            missing.append(name)
        return environ.get(name, "")

    filled = _REFERENCE.sub(value, text)
    broken = "${" in _REFERENCE.sub("", text)
    return Substituted(filled, tuple(names), tuple(missing), broken)


def keep_references(text: str, environ: Mapping[str, str]) -> str:
    """The text as a secret is stored: `${VAR}` stays, a default in force becomes its value."""

    def reference(match: re.Match[str]) -> str:
        name, default = match.groups()
        return f"${{{name}}}" if default is None or environ.get(name) else default

    return _REFERENCE.sub(reference, text)
