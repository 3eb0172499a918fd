"""A question's outcome as Slack messages. Pure: a mapping in, plain values out.

Nothing that a model, a tool or a person wrote can become more than text here: `&`, `<` and `>` are
escaped, so no mention fires (docs.slack.dev, "Formatting text"), and no link hides where it leads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.citations.telling import footnotes

# Slack takes 12,000 characters in all markdown blocks of a message and some 13,000 in all blocks
# (github.com/slackapi/bolt-js, issue 2509).
MARKDOWN_MAX = 10_000
TOOLS_SHOWN = 20
PREVIEW_MAX = 150
PARENT_MAX = 2_500

ENDINGS = {
    "refused": "**I may not answer this.**",
    "failed": "**I could not answer this.**",
    "cancelled": "**This question was cancelled.**",
    "expired": "**I ran out of time on this question.**",
}
_DEFINITION = re.compile(r"^([ \t>]*\[[^\]\n]*\]):", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """One message: its blocks, and the text that notifications show instead of them."""

    text: str
    blocks: tuple[dict[str, Any], ...]


def escape(text: str) -> str:
    """`text` with the three characters that Slack gives a meaning to taken out of action."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """What a person typed, from the form Slack sends it in."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def markdown(text: str) -> str:
    """Markdown from somebody we do not trust: escaped, and every link shows its address."""
    return _DEFINITION.sub(r"\1 :", escape(text).replace("](", "] ("))


def parent(user: str, question: str) -> str:
    """The channel message that an answer's thread hangs on."""
    shown = escape(question[:PARENT_MAX])
    left = len(question) - PARENT_MAX
    return f"Question from <@{user}>: {shown}" + (
        f" … ({left} more characters)" if left > 0 else ""
    )


def messages(question: Mapping[str, Any], *, page: str = "") -> list[Message]:
    """The outcome of a question (as `gateway.present` shows it), in as many messages as needed.

    `page` is our own address of the question, where access to refused tools is requested.
    """
    parts = split(_body(question, page), MARKDOWN_MAX)
    made = [Message(_preview(part), ({"type": "markdown", "text": part},)) for part in parts]
    last = made[-1]
    notes = (used(question), "\n".join(footnotes(question)))
    made[-1] = Message(last.text, (*last.blocks, *(_context(note) for note in notes if note)))
    return made


def notice(text: str) -> Message:
    """A sentence of our own, with nothing to format in it."""
    return Message(escape(text), ({"type": "markdown", "text": markdown(text)},))


def used(question: Mapping[str, Any]) -> str:
    """Which tools the answer rests on, how long each took, and what the question cost."""
    calls = [call for call in question["calls"] if call["state"] != "refused"]
    lines = [f"{_tool(call)} · {call['milliseconds']} ms{_trouble(call)}" for call in calls]
    if len(lines) > TOOLS_SHOWN:
        rest = len(lines) - TOOLS_SHOWN
        lines = [
            *lines[:TOOLS_SHOWN],
            f"and {rest} more calls, all of them in the question's history",
        ]
    cost = _cost(question["cost_usd"])
    if len(lines) > 1:
        return "\n".join([*lines, f"{cost} in all"])
    return f"{lines[0] if lines else 'no tool was used'} · {cost}"


def split(text: str, limit: int) -> list[str]:
    """`text` in pieces of at most `limit` characters, nothing lost; code blocks go on as code."""
    pieces = []
    while len(text) > limit:
        # Room for the line that closes an open code block.
        cut = _place_to_cut(text, limit - 8)
        piece, text = text[:cut], text[cut:]
        fence = _open_fence(piece)
        pieces.append(f"{piece}\n{fence}" if fence else piece)
        # Between paragraphs the message's end stands for the empty line; in code every line counts.
        text = f"{fence}\n{text.removeprefix(chr(10))}" if fence else text.lstrip("\n")
    return [*pieces, text]


def _place_to_cut(text: str, limit: int) -> int:
    for separator in ("\n\n", "\n", " "):
        cut = text.rfind(separator, limit // 2, limit)
        if cut > 0:
            return cut
    # Never through the middle of an entity such as &amp;
    entity = text.rfind("&", limit - 4, limit)
    return entity if entity > 0 else limit


def _open_fence(text: str) -> str:
    """The fence that is open where `text` ends."""
    fence = ""
    for match in _FENCE.finditer(text):
        if not fence:
            fence = match[1]
        elif match[1].startswith(fence) and not match[2].strip():
            fence = ""
    return fence


def _body(question: Mapping[str, Any], page: str) -> str:
    error = question["error"]
    parts = [ENDINGS.get(question["state"], "")]
    if error and question["state"] != "cancelled":
        error_id = f" (error id {error['error_id']})" if error["error_id"] else ""
        parts.append(markdown(error["message"] + error_id))
    refused = [call for call in question["calls"] if call["refusal"]]
    parts += [_refusal(call) for call in refused]
    if page and any(call["refusal"].get("grant_helps") for call in refused):
        parts.append(f"Request access on the question's page: {page}")
    parts.append(markdown(question["answer"]))
    if question["warning"]:
        parts.append(f"Note: {markdown(question['warning'].replace('_', ' '))}.")
    return "\n\n".join(part for part in parts if part) or "There is no answer."


def _refusal(call: Mapping[str, Any]) -> str:
    why = call["refusal"]
    rule = f" (layer {why['layer']}, rule {why['rule']})" if why.get("rule") else ""
    fix = f" To change it: {why['fix'].rstrip('.')}." if why["fix"] else ""
    return markdown(f"{_tool(call)} was refused: {why['reason']}{rule}{fix}")


def _tool(call: Mapping[str, Any]) -> str:
    return f"{call['server']}/{call['tool']}"


def _trouble(call: Mapping[str, Any]) -> str:
    return {"failed": " (failed)", "unknown": " (outcome unknown)"}.get(call["state"], "")


def _cost(cost: str | None) -> str:
    if cost is None:
        return "cost unknown"
    amount = Decimal(cost)
    if 0 < amount < Decimal("0.0001"):
        return "under $0.0001"
    return f"${amount:.4f}" if amount else "$0"


def _context(text: str) -> dict[str, Any]:
    element = {"type": "plain_text", "text": escape(text), "emoji": False}
    return {"type": "context", "elements": [element]}


def _preview(text: str) -> str:
    flat = " ".join(text.split())
    if len(flat) <= PREVIEW_MAX:
        return flat
    return flat[: _place_to_cut(flat, PREVIEW_MAX)] + " …"
