"""The tools: how they are described to a model, what they take, and which answer each gives."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from registry.analytics import answers, periods
from registry.analytics.answers import Row, Wanted

MOST, USUALLY = 50, 10
# By how people say it, in the singular and the plural, what it is called here.
_BY = {
    "tool": "tool",
    "tools": "tool",
    "server": "server",
    "servers": "server",
    "person": "person",
    "people": "person",
    "role": "role",
    "roles": "role",
}


@dataclass(frozen=True)
class OwnTool:
    """One tool; `by` are the dimensions it may be asked by, the first where nothing is said."""

    name: str
    title: str
    description: str
    answer: Callable[[Wanted], list[Row]]
    by: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The tool as an MCP server lists it."""
        properties: dict[str, Any] = {
            "period": {
                "type": "string",
                "enum": list(periods.NAMES),
                "description": f"In UTC; {periods.USUAL} where it is not given.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST,
                "description": f"Rows at most; {USUALLY} where it is not given.",
            },
        }
        if self.by:
            words = [word for word, dimension in _BY.items() if dimension in self.by]
            properties["by"] = {"type": "string", "enum": words, "description": "Added up by what."}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
            },
            "annotations": {
                "readOnlyHint": True,
                "destructiveHint": False,
                "idempotentHint": True,
                "openWorldHint": False,
            },
        }

    def called(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a call; the arguments have been checked against the schema."""
        when = periods.named(arguments.get("period", periods.USUAL), now=timezone.now())
        by = _BY[arguments["by"]] if "by" in arguments else next(iter(self.by), "")
        rows = self.answer(Wanted(when, by, arguments.get("limit", USUALLY)))
        told = periods.told(when)
        return {
            "content": [{"type": "text", "text": f"{self.title}, {told}:\n\n{as_table(rows)}"}],
            "structuredContent": {"period": told, "rows": json.loads(json.dumps(rows))},
        }


def as_table(rows: list[Row]) -> str:
    """Rows as a table in Markdown, or that there are none."""
    if not rows:
        return "Nothing in this period."
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split()).replace("|", "\\|")


TOOLS = (
    OwnTool(
        "most_expensive",
        "What cost most",
        "Which tool, server, people or role cost most in a period: money spent in US dollars, "
        "tokens, questions, the most expensive first. A tool has the share of its calls in what "
        "a question cost.",
        answers.most_expensive,
        ("tool", "server", "person", "role"),
    ),
    OwnTool(
        "cost_summary",
        "What was spent",
        "How much money was spent in a period: what the model cost in US dollars and tokens, in "
        "total and day by day. Spending, bill, budget, usage.",
        answers.cost_summary,
    ),
    OwnTool(
        "slowest",
        "What was slow",
        "Which server or tool was slow, the slowest first: how long calls took, mean and "
        "percentiles in milliseconds, latency, response time.",
        answers.slowest,
        ("server", "tool"),
    ),
    OwnTool(
        "errors",
        "Errors",
        "Which errors happened most often in a period, counted by error code.",
        answers.errors,
    ),
    OwnTool(
        "failed",
        "What failed",
        "What failed in a period, the latest first: calls and questions that went wrong, whose, "
        "of which tool, with which error.",
        answers.failed,
    ),
    OwnTool(
        "refusals",
        "What was refused",
        "Which rules of the policy refused most calls in a period: what was denied or blocked.",
        answers.refusals,
    ),
    OwnTool(
        "most_active_people",
        "Who asked most",
        "Who asked most questions in a period: the most active people or users.",
        answers.active_people,
    ),
    OwnTool(
        "most_used_tools",
        "Which tools were used most",
        "Which tools were used or called most in a period: popular tools, popularity, number of "
        "calls.",
        answers.tool_popularity,
    ),
    OwnTool(
        "server_health",
        "How the servers are",
        "How healthy each MCP server is: up or down now, calls, failures and latency of a period. "
        "Status, availability.",
        answers.server_health,
    ),
    OwnTool(
        "turns",
        "Turns of the model",
        "How many turns questions took in a period, in total and per question; whose took most.",
        answers.turns,
        ("person", "role"),
    ),
)
BY_NAME = {one.name: one for one in TOOLS}
