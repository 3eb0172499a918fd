"""What a server says of its tools, for an administrator's eyes: nothing in it stays hidden."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry.offerings import NOUNS, Offering
from registry.reviewing import Review
from registry.scanner import is_hidden

NOTHING = format_html("<pre class='omni-text'>{}</pre>", "–")


def visible(text: str) -> SafeString:
    """The text as HTML, with a red mark in place of every character that people would not see."""
    return format_html_join("", "{}", ((_shown(part),) for part in _parts(text)))


def beside(accepted: Mapping[str, Any], waiting: Mapping[str, Any] | None) -> SafeString:
    """Two forms of a tool side by side; lines that only one of them has are coloured.

    What is the same in both stands there once, and is not said to wait.
    """
    pieces = [
        _pair(title, before, after)
        for title, before, after in (
            ("Description", _description(accepted), _description(waiting)),
            ("The whole object", _lines(accepted), _lines(waiting)),
        )
    ]
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def reviewed(review: Review) -> SafeString:
    """What whoever decides has to see: warnings, the differences in words, then both forms."""
    told = [(one, True) for one in review.warnings]
    told += [(one.said, one.dangerous) for one in review.differences]
    rows = (("omni-danger" if danger else "", visible(said)) for said, danger in told)
    told_html = format_html_join("", "<li class='{}'>{}</li>", rows)
    forms = (
        beside(review.accepted, review.waiting) if review.accepted else definition(review.waiting)
    )
    if not told_html:
        return forms
    return format_html("<ul class='omni-told'>{}</ul>{}", told_html, forms)


def withheld(found: Iterable[Offering]) -> SafeString:
    """What no client is shown, with why, each with its own words, and how it would be offered."""
    rows = (
        (
            NOUNS[one.kind],
            visible(one.key),
            visible("; ".join(one.warnings)),
            definition(one.definition),
            f"manage.py drift withheld {one.server.name} --offer {one.fingerprint} --as EMAIL",
        )
        for one in found
    )
    row = "<li class='omni-danger'>{} {}: {}{}<br>To offer it: <code>{}</code></li>"
    told = format_html_join("", row, rows)
    return format_html("<ul class='omni-told'>{}</ul>", told) if told else NOTHING


def definition(tool: Mapping[str, Any]) -> SafeString:
    """One form of a tool: its description as people write it, and the whole object."""
    if not tool:
        return NOTHING
    return format_html(
        "<pre class='omni-text'>{}</pre><br><pre class='omni-text'>{}</pre>",
        visible(str(tool.get("description") or "–")),
        visible("\n".join(_lines(tool))),
    )


def _pair(title: str, before: list[str], after: list[str]) -> SafeString:
    if before == after:
        html = (
            "<div class='omni-beside'><div><h4>{}</h4><pre class='omni-text'>{}</pre></div></div>"
        )
        return format_html(html, title, visible("\n".join(before)) or "–")
    left, right = _marked(before, after)
    return format_html(
        "<div class='omni-beside'><div><h4>{} as accepted</h4><pre class='omni-text'>{}</pre></div>"
        "<div><h4>{} that waits</h4><pre class='omni-text'>{}</pre></div></div>",
        title,
        left or "–",
        title,
        right or "–",
    )


def _marked(before: list[str], after: list[str]) -> tuple[SafeString, SafeString]:
    left: list[tuple[str, SafeString]] = []
    right: list[tuple[str, SafeString]] = []
    for change, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        same = change == "equal"
        left += [("" if same else "omni-del", visible(line)) for line in before[a:b]]
        right += [("" if same else "omni-add", visible(line)) for line in after[c:d]]
    return _joined(left), _joined(right)


def _joined(lines: Iterable[tuple[str, SafeString]]) -> SafeString:
    return format_html_join("\n", "<span class='{}'>{}</span>", lines)


def _description(tool: Mapping[str, Any] | None) -> list[str]:
    return str((tool or {}).get("description") or "").splitlines()


def _lines(tool: Mapping[str, Any] | None) -> list[str]:
    if not tool:
        return []
    return json.dumps(tool, indent=2, ensure_ascii=False, sort_keys=True).split("\n")


def _parts(text: str) -> Iterable[str]:
    """Runs of plain text, and each hidden character by itself."""
    run = ""
    for character in text:
        if not is_hidden(character):
            run += character
            continue
        yield from (run, character)
        run = ""
    yield run


def _shown(part: str) -> SafeString | str:
    if len(part) != 1 or not is_hidden(part):
        return part
    name = unicodedata.name(part, "unnamed character")
    return format_html("<span class='omni-hidden' title='{}'>U+{}</span>", name, f"{ord(part):04X}")
