"""Where an answer's figures are from in a few plain lines, for Slack and the terminal."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

SOURCES_SHOWN = 8
TEXTS_SHOWN = 6
TEXT_CHARACTERS = 40
NOT_CHECKED = "The figures of this answer were not checked."


def footnotes(question: Mapping[str, Any]) -> list[str]:
    """One line for each source with what is from it, and one for what stands in no result."""
    if question["state"] != "answered" or not question["answer"]:
        return []
    if not question["checked"]:
        return [NOT_CHECKED]
    sources: dict[str, list[str]] = {}
    for one in question["citations"]:
        sources.setdefault(_source(one), []).append(one["text"])
    lines = [f"{_some(texts)}: {source}" for source, texts in sources.items()]
    if len(lines) > SOURCES_SHOWN:
        lines = [*lines[:SOURCES_SHOWN], f"and {len(lines) - SOURCES_SHOWN} more sources"]
    nowhere = [one["text"] for one in question["unsupported"]]
    return lines + ([f"In no result: {_some(nowhere)}"] if nowhere else [])


def _source(one: Mapping[str, Any]) -> str:
    if one["origin"] == "question":
        return "from what you asked"
    tool = f"{one['server']}/{one['tool']}"
    if one["origin"] == "arguments":
        return f"what {tool} was asked with"
    said = {"rounded": "rounded from", "computed": "worked out from"}.get(one["status"], "from")
    return f"{said} {tool}" + (", earlier" if one["origin"] == "earlier" else "")


def _some(texts: Sequence[str]) -> str:
    """The first few of them, each once and none too long."""
    once = list(dict.fromkeys(_short(text) for text in texts))
    more = len(once) - TEXTS_SHOWN
    return ", ".join(once[:TEXTS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _short(text: str) -> str:
    """Without the marks of bold between a figure and its scale, and on one line."""
    bare = " ".join(re.sub(r"\*+|`+", "", text).split())
    return bare if len(bare) <= TEXT_CHARACTERS else f"{bare[: TEXT_CHARACTERS - 1]}…"
