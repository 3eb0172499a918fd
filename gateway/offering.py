"""What a turn offers the model, and what it leaves out and why.

Left out is what the policy denies this person, what is set aside because it changed, what is
switched off, and of very many tools those that rank too low for the question. Tools of a server
that is down stay offered: a call says at once that nobody answers there, which the person should be
told, and the server may be back by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db.models.functions import Length

from gateway import retrieval
from gateway.llm.base import ToolSpec
from gateway.models import Question
from gateway.reading import READ_RESULT
from gateway.toolbox import Toolbox, Withheld
from registry.models import Server, Tool

# Of one reason so many tools are named; all of them are counted.
NAMED = 25
# So many reasons are told apart; those that concern the fewest tools are only counted together.
REASONS = 50


class Cause(StrEnum):
    """Why a tool is not offered."""

    POLICY = "policy"
    DRIFT = "drift"
    SWITCHED_OFF = "switched off"
    RANK = "rank"
    OTHERS = "others"


@dataclass(frozen=True)
class Offer:
    """The tools of a turn, and for the record what is not among them."""

    tools: list[ToolSpec]
    down: tuple[str, ...]
    withheld: list[dict[str, Any]]
    policy_version: str


def offer(question: Question, box: Toolbox) -> Offer:
    """The tools of this turn: what the person may use, and of very many the ones that matter."""
    tools, outranked = _ranked(question, list(box.offered))
    withheld = _reasons(box.withheld) + _outranked(outranked)
    down = _down({one.server for one in tools})
    if _has_long_results(question):
        tools.append(READ_RESULT)
    return Offer(tools, down, withheld, box.policy_version)


def _ranked(
    question: Question, offered: list[ToolSpec]
) -> tuple[list[ToolSpec], Sequence[ToolSpec]]:
    """Those that are offered, in a fixed order, and those that are not, the nearest first."""
    most = settings.TOOLS_PER_TURN
    if len(offered) <= most:
        return offered, ()
    ranked = [spec for spec, _ in retrieval.rank(question.text, offered)]
    return sorted(ranked[:most], key=lambda spec: spec.name), ranked[most:]


def _has_long_results(question: Question) -> bool:
    lengths = question.calls.values_list(Length("text"), flat=True)
    return any(length > settings.RESULT_MAX_CHARACTERS for length in lengths)


def _down(servers: Iterable[str]) -> tuple[str, ...]:
    """Those of the servers that are down, by their last health checks."""
    down = Server.objects.filter(name__in=servers, health=Server.Health.DOWN)
    return tuple(down.order_by("name").values_list("name", flat=True))


def _reasons(withheld: Sequence[Withheld]) -> list[dict[str, Any]]:
    """Each reason with how many tools it keeps away, the one that keeps most first."""
    ordered = sorted(withheld, key=_why)
    groups = [_reason(why, [place(one.tool) for one in of]) for why, of in groupby(ordered, _why)]
    groups.sort(key=lambda group: -int(group["count"]))
    rest = sum(group["count"] for group in groups[REASONS:])
    return groups[:REASONS] + ([{"why": Cause.OTHERS, "count": rest}] if rest else [])


def _why(one: Withheld) -> tuple[str, str, str]:
    """The cause; for the policy's no also its layer and rule."""
    if one.tool.is_off or not one.tool.server.takes_part:
        return Cause.SWITCHED_OFF, "", ""
    if one.tool.state != Tool.State.OFFERED:
        return Cause.DRIFT, "", ""
    return Cause.POLICY, one.decision.layer, one.decision.rule


def _reason(why: tuple[str, str, str], tools: Sequence[str]) -> dict[str, Any]:
    cause, layer, rule = why
    said = {"layer": layer, "rule": rule} if layer else {}
    return {"why": cause, **said, "count": len(tools), "tools": list(tools[:NAMED])}


def place(tool: Tool) -> str:
    """The tool as the record names it: server/tool."""
    return f"{tool.server.name}/{tool.name}"


def _outranked(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    if not specs:
        return []
    return [_reason((Cause.RANK, "", ""), [f"{one.server}/{one.tool}" for one in specs])]
