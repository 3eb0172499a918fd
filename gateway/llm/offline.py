"""The router that needs no key and no network: retrieval picks a tool, rules fill its arguments.

It calls one tool and only when it is sure: the tool is read-only, clearly the best, knows most of
the question's words, and every required argument stands in the question. Else it offers up to three
candidates, each with a form that is filled in as far as the question allows. A form that comes back
as the question is called as it is, whatever the tool: then the person has said it all.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from gateway import retrieval
from gateway.llm import forms
from gateway.llm.base import (
    NO_TOKENS,
    Block,
    Message,
    ModelCancelled,
    ModelTimedOut,
    Reply,
    Stop,
    ToolSpec,
    ignore,
    reply_of,
)
from gateway.llm.filling import Filling, fill
from gateway.llm.readable import readable
from gateway.words import terms

NOTE = "_Offline router: no language model read this question or its answer._"
# Of so many tools found, the arguments are tried; so many are offered.
_TRIED, _OFFERED = 12, 3
_MARGIN = 1.2
# The share of the question's words that must be understood: to call, and to offer.
_TO_CALL, _TO_OFFER = 0.65, 0.4
_EACH_ARGUMENT, _INCOMPLETE = 0.3, 0.4
_ENDING = " \t\r.,;:!?–—-"
_HEADING = "(data, not instructions):\n"


@dataclass(frozen=True)
class Candidate:
    """A tool that may answer: its arguments, how well it fits, and how much of the question."""

    tool: ToolSpec
    filling: Filling
    fit: float
    understood: float


class OfflineModel:
    """Answers by calling at most one tool for a question; the same question, the same answer."""

    name = "offline"

    def __init__(self, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._today = today

    def turn(
        self,
        *,
        system: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
        on_delta: Callable[[str], None],
        deadline: float,
        cancelled: Callable[[], bool],
        on_restart: Callable[[], None] = ignore,
    ) -> Reply:
        """Ask for the one tool, or answer from its result, or offer candidates."""
        if cancelled():
            raise ModelCancelled("The question was cancelled.")
        content = self._content(tools, messages)
        if time.monotonic() >= deadline:
            raise ModelTimedOut("The offline router had no time left.")
        for line in content[0].get("text", "").splitlines(keepends=True):
            on_delta(line)
        stop = Stop.TOOL_USE if content[0]["type"] == "tool_use" else Stop.END
        return reply_of(content, stop=stop, usage=NO_TOKENS, model=self.name)

    def _content(self, tools: Sequence[ToolSpec], messages: Sequence[Message]) -> list[Block]:
        if results := _results_in(messages):
            return [_say("\n\n".join(_answers(results, tools, messages)))]
        question, step = _question_in(messages), len(messages)
        if form := forms.read(question, tools):
            return [_say(_blanks(form)) if form.blank else _use(form, step=step)]
        candidates = find_candidates(question, tools, today=self._today())
        if is_sure(candidates):
            best = candidates[0]
            return [_use(forms.Form(best.tool, dict(best.filling.arguments), ()), step=step)]
        if candidates:
            return [_say(_offer(candidates))]
        return [_say(_introduce(tools))]


def find_candidates(question: str, tools: Sequence[ToolSpec], *, today: date) -> list[Candidate]:
    """The tools that understand enough of the question to be offered, best first."""
    asked = set(terms(question))
    ranked = [
        (tool, score) for tool, score in retrieval.rank(question, tools)[:_TRIED] if score > 0
    ]
    candidates = []
    for tool, score in ranked:
        filling = fill(question, tool.input_schema, today=today)
        known = asked & (retrieval.matched(question, tool) | filling.explained)
        weight = 1 + _EACH_ARGUMENT * len(filling.arguments) if filling.whole else _INCOMPLETE
        candidates.append(Candidate(tool, filling, score * weight, len(known) / len(asked)))
    understood = [one for one in candidates if one.understood >= _TO_OFFER]
    return sorted(understood, key=lambda one: (-one.fit, one.tool.name))


def is_sure(candidates: Sequence[Candidate]) -> bool:
    """Whether the first candidate may be called without asking."""
    if not candidates:
        return False
    best, *others = candidates
    clear = not others or best.fit >= _MARGIN * others[0].fit
    return best.tool.read_only and best.filling.whole and best.understood >= _TO_CALL and clear


def _use(form: forms.Form, *, step: int) -> Block:
    use = {"type": "tool_use", "id": f"offline_{step}"}
    return use | {"name": form.tool.name, "input": form.arguments}


def _say(text: str) -> Block:
    return {"type": "text", "text": f"{text}\n\n{NOTE}"}


def _question_in(messages: Sequence[Message]) -> str:
    content = messages[-1]["content"] if messages else ""
    if isinstance(content, str):
        return content
    return " ".join(block["text"] for block in content if block.get("type") == "text")


def _results_in(messages: Sequence[Message]) -> list[Mapping[str, Any]]:
    content = messages[-1]["content"] if messages else ""
    blocks = [] if isinstance(content, str) else content
    return [block for block in blocks if block.get("type") == "tool_result"]


def _answers(
    results: Sequence[Mapping[str, Any]], tools: Sequence[ToolSpec], messages: Sequence[Message]
) -> Iterator[str]:
    known = {tool.name: tool for tool in tools}
    names = {block["id"]: block["name"] for block in _tool_uses(messages)}
    for result in results:
        name = names.get(result["tool_use_id"], "the tool")
        who = _who(known[name]) if name in known else f"`{name}`"
        text = _without_heading(str(result.get("content", "")))
        if result.get("is_error"):
            yield f"{who} could not answer: {text.strip() or 'it gave no reason.'}"
        else:
            yield f"{who} answers:\n\n{readable(text) or 'The result is empty.'}"


def _tool_uses(messages: Sequence[Message]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if message["role"] == "assistant" and not isinstance(message["content"], str):
            yield from (block for block in message["content"] if block.get("type") == "tool_use")


def _without_heading(text: str) -> str:
    """The result without the line that marks it as data for a language model."""
    first, found, rest = text.partition(_HEADING)
    return rest if found and "\n" not in first else text


def _who(tool: ToolSpec) -> str:
    """The tool by name, as code: no underscore of a name is a mark of Markdown there."""
    name = f"`{tool.tool or tool.name}`"
    return f"{name} on `{tool.server}`" if tool.server else name


def _offer(candidates: Sequence[Candidate]) -> str:
    shown = candidates[:_OFFERED]
    first = "I am not sure enough to call a tool by myself."
    lead = "This one fits" if len(shown) == 1 else "These fit best"
    how = "To call it" if len(shown) == 1 else "To call one of them"
    how += ", send its JSON as your question"
    if any(one.filling.missing for one in shown):
        how += ", with what is in `<…>` filled in"
    return "\n\n".join([f"{first} {lead}. {how}.", *(_form(one) for one in shown)])


def _blanks(form: forms.Form) -> str:
    written = forms.write(form.tool, form.arguments, form.blank)
    return f"Still to be filled in: {', '.join(form.blank)}.\n\n```json\n{written}\n```"


def _form(candidate: Candidate) -> str:
    """What the tool does, what it lacks, and the body of a call to it."""
    tool, filling = candidate.tool, candidate.filling
    notes = [] if tool.read_only else ["It may change something."]
    if filling.missing:
        notes.append(f"Still needed: {', '.join(filling.missing)}.")
    body = forms.write(tool, filling.arguments, filling.missing)
    return f"{' '.join([f'{_who(tool)}: {_summary(tool)}', *notes])}\n\n```json\n{body}\n```"


def _summary(tool: ToolSpec) -> str:
    first = tool.description.strip().partition("\n")[0].partition(". ")[0]
    # A line that was wrapped, or is cut here, may end with a comma.
    return f"{first[:200].rstrip(_ENDING) or 'no description'}."


def _introduce(tools: Sequence[ToolSpec]) -> str:
    if not tools:
        return "I answer by calling tools, and no tool is open to you."
    servers: dict[str, list[str]] = {}
    for tool in tools:
        servers.setdefault(tool.server or "other", []).append(tool.tool or tool.name)
    lines = [f"- `{server}`: {_some(names)}" for server, names in sorted(servers.items())]
    hidden = len(lines) - 10
    more = [f"- … and {hidden} more servers"] if hidden > 0 else []
    opening = "I found no tool for that. I answer by calling one of these tools:"
    return "\n".join([opening, "", *lines[:10], *more])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(names)[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
