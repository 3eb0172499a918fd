"""The tools there are, as the policy sees them. A floor that knows the registry brings them.

People and registry do not see each other, and yet whoever changes the policy must be told which
tools that gives or takes: so the floor above says once, at start-up, where tools come from.
"""

from collections.abc import Callable, Iterable

from accounts.policy import Target

Source = Callable[[], Iterable[Target]]

_sources: list[Source] = []
_beside: list[Source] = []


def bring_from(source: Source, *, beside: Source = tuple) -> None:
    """From now on `known` asks this source, and no other; `everything` asks `beside` as well."""
    _sources[:], _beside[:] = [source], [beside]


def known() -> dict[tuple[str, str], Target]:
    """Every tool by its server and name; none where nobody brings any."""
    found = (target for source in _sources for target in source())
    return {(target.server, target.tool): target for target in found}


def everything() -> list[Target]:
    """Every tool, and what servers are asked for beside their tools."""
    return [*known().values(), *(target for source in _beside for target in source())]
