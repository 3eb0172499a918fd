"""Media types: which bodies can be written and read."""

import re
from collections.abc import Iterable

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,99}/[a-z0-9*][a-z0-9!#$&^_.+-]{0,99}|\*/\*")


def kind_of(media: str) -> str:
    """The type without its parameters, in lower case; "" for what is none."""
    kind = media.partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else ""


def is_json(kind: str) -> bool:
    """Whether bodies of this type are JSON."""
    return kind == JSON or kind.endswith("+json")


def best_for_writing(content: Iterable[str]) -> str:
    """Of the types that a body may have, the one that is written best; "" for none."""
    kinds = {media: kind_of(media) for media in content}
    for fits in (
        is_json,
        lambda kind: kind in ("*/*", "application/*"),
        lambda kind: kind == FORM,
        lambda kind: kind == "text/plain",
    ):
        for media, kind in kinds.items():
            if fits(kind):
                return media
    return ""
