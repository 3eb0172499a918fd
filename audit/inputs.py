"""What a decision rested on, kept beside it: with an honest word on what redaction took from it.

The record keeps arguments redacted and bounded. `hidden` names those that are not stored as they
were; "*" when not even the names are. `given` holds the small ones of arguments that were cut.
`altered` says that who asked, or for what, is itself not stored as it was.
"""

from collections.abc import Mapping
from typing import Any

from audit import chain
from audit.redact import redact

CHARACTERS = 16_000
SMALL = 200
MOST_NAMES = 100
ALL = "*"


def kept(inputs: Mapping[str, object], arguments: object, *, safe: object, cut: bool) -> Any:
    """The inputs as the record keeps them; `safe` are the arguments as redaction left them."""
    stored: Any = redact(inputs)
    if len(chain.canonical(stored)) > CHARACTERS:
        return {"altered": True}
    marks: dict[str, object] = {} if stored == inputs else {"altered": True}
    return {**stored, **marks, **_of_arguments(arguments, safe, cut=cut)}


def _of_arguments(arguments: object, safe: object, *, cut: bool) -> dict[str, object]:
    if not cut and arguments == safe:
        return {}
    if not (isinstance(arguments, Mapping) and isinstance(safe, Mapping)):
        return {"hidden": ALL}
    if arguments.keys() != safe.keys() or len(safe) > MOST_NAMES:
        return {"hidden": ALL}
    hidden = [name for name in safe if safe[name] != arguments[name]]
    if not cut:
        return {"hidden": hidden}
    small = {name: value for name, value in safe.items() if _is_small(value)}
    if max(map(len, safe)) > SMALL:
        return {"hidden": ALL}
    hidden += [name for name in safe if name not in small and name not in hidden]
    return {"hidden": hidden, "given": {name: small[name] for name in small if name not in hidden}}


def _is_small(value: object) -> bool:
    return len(chain.canonical(value)) <= SMALL
