"""The form of a call, which the offline router offers and takes back as a question."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.api_parsing import strict_loads
from gateway.llm.base import ToolSpec

_KEYS = {"server", "tool", "arguments"}
_FENCES = ("```json", "```")


@dataclass(frozen=True)
class Form:
    """A call as somebody sent it; `blank` are the arguments that were left as they were offered."""

    tool: ToolSpec
    arguments: dict[str, Any]
    blank: tuple[str, ...]


def write(tool: ToolSpec, arguments: Mapping[str, Any], missing: Collection[str]) -> str:
    """The form of a call as JSON; what is missing stands there as `<its name>`."""
    values = {**arguments, **{name: _blank(name) for name in missing}}
    call = {"server": tool.server, "tool": tool.tool or tool.name, "arguments": values}
    return json.dumps(call, ensure_ascii=False, indent=2)


def read(question: str, tools: Sequence[ToolSpec]) -> Form | None:
    """The call that a question is, if it is a form and nothing else, for one of these tools."""
    try:
        call = strict_loads(_bare(question).encode())
    except ValueError:
        return None
    if (
        not isinstance(call, dict)
        or call.keys() != _KEYS
        or not isinstance(call["arguments"], dict)
    ):
        return None
    named = (call["server"], call["tool"])
    tool = next((one for one in tools if (one.server, one.tool or one.name) == named), None)
    if tool is None:
        return None
    arguments: dict[str, Any] = call["arguments"]
    blank = tuple(name for name, value in arguments.items() if value == _blank(name))
    return Form(tool, arguments, blank)


def _blank(name: str) -> str:
    return f"<{name}>"


def _bare(question: str) -> str:
    """Without the fence that comes along where a terminal or Slack shows one."""
    opening, closing = _FENCES
    return question.strip().removeprefix(opening).removesuffix(closing)
