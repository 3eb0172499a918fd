"""Answers a replay's tool uses from what was recorded, under the policy that is tried.

Nothing is called. What was not recorded is answered so, and counted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from accounts.policy import Effect, Policy, Subject, Target, decide
from audit.redact import redact
from gateway import tool_uses
from gateway.checking import NO_SUCH_TOOL
from gateway.llm.base import ToolUse
from gateway.models import Call
from gateway.reading import READ_RESULT, read_result
from gateway.replay.recording import Recording, Use
from gateway.toolbox import target_of, with_defaults
from registry import catalogue, schemas
from registry.models import Tool

NOT_RECORDED = (
    "There is no result: this call was not made when the question was recorded."
    " Answer from the results you have, and say what is missing."
)


class Outcome(StrEnum):
    """What a tool use of a replay was answered with."""

    RECORDED = "recorded"
    REPEATED = "repeated"  # a result that an earlier use of the same arguments had already
    NOT_RECORDED = "not_recorded"
    REFUSED = "refused"  # by the policy that is tried, or as it was then
    BAD_ARGUMENTS = "bad_arguments"  # by the tool as it is now
    UNKNOWN_TOOL = "unknown_tool"  # there is no such tool now
    PAGE = "page"  # another page of a result


@dataclass(frozen=True)
class Terms:
    """Under what a replay decides.

    `policy` None lets every decision stand as it was recorded; `tools_now` holds calls against the
    tools as they are registered now.
    """

    subject: Subject
    at: datetime
    policy: Policy | None = None
    tools_now: bool = False


@dataclass(frozen=True)
class Answered:
    """One tool use of the replay, what the model got to read, and which call that was of."""

    name: str
    arguments: Mapping[str, Any]
    outcome: Outcome
    text: str
    failed: bool
    call: Call | None = None
    rule: str = ""


@dataclass
class Desk:
    """Everything that was answered so far is in `answered`, in its order."""

    recording: Recording
    terms: Terms
    answered: list[Answered] = field(default_factory=list)
    _left: list[Use] = field(init=False)

    def __post_init__(self) -> None:
        self._left = list(self.recording.uses)

    def answer(self, use: ToolUse) -> dict[str, Any]:
        """The block that answers one tool use."""
        done = self._answer(use)
        self.answered.append(done)
        return {
            "type": "tool_result",
            "tool_use_id": use.id,
            "content": done.text,
            "is_error": done.failed,
        }

    def unknown(self) -> list[Call]:
        """The calls so far of which nobody knows whether they were carried out."""
        calls = {one.call.pk: one.call for one in self.answered if one.call is not None}
        return [call for call in calls.values() if call.state == Call.State.UNKNOWN]

    def _answer(self, use: ToolUse) -> Answered:
        arguments = _safe(use.arguments)
        found, repeated = self._take(use.name, arguments)
        if use.name == READ_RESULT.name:
            text, failed = read_result(self.recording.question, use.arguments)
            return Answered(use.name, arguments, Outcome.PAGE, text, failed)
        refused = self._refused(use, found)
        if refused is not None:
            return refused
        call = found.call if found else None
        if call is None or (self.terms.policy is not None and call.state == Call.State.REFUSED):
            return Answered(use.name, arguments, Outcome.NOT_RECORDED, NOT_RECORDED, True)
        text, failed = tool_uses.as_result(call)
        outcome = Outcome.REPEATED if repeated else Outcome.RECORDED
        if call.state == Call.State.REFUSED:
            outcome = Outcome.REFUSED
        return Answered(use.name, arguments, outcome, text, failed, call)

    def _take(self, name: str, arguments: Any) -> tuple[Use | None, bool]:
        """The recorded use of the same tool and arguments, and whether it was had before."""
        wanted = key_of(name, arguments)
        for use in self._left:
            if key_of(use.name, use.arguments) == wanted:
                self._left.remove(use)
                return use, False
        same = (one for one in self.recording.uses if key_of(one.name, one.arguments) == wanted)
        return next(same, None), True

    # --- What would not be made now ---------------------------------------------------------------
    def _refused(self, use: ToolUse, found: Use | None) -> Answered | None:
        """The answer where policy or tools, as they are tried, do not let the call through."""
        policy, call = self.terms.policy, found.call if found else None
        tool = catalogue.find_qualified(use.name)
        if self.terms.tools_now and tool is None:
            return self._turned_down(use, Outcome.UNKNOWN_TOOL, NO_SUCH_TOOL)
        if policy is not None:
            target = self._target(use, tool, call)
            given = with_defaults(tool, use.arguments) if tool else dict(use.arguments)
            decision = decide(policy, self.terms.subject, target, given, self.terms.at)
            if decision.effect == Effect.DENY:
                return self._turned_down(
                    use, Outcome.REFUSED, NO_SUCH_TOOL, rule=f"{decision.layer}: {decision.rule}"
                )
        return self._bad_arguments(use, tool) if self.terms.tools_now and tool else None

    def _target(self, use: ToolUse, tool: Tool | None, call: Call | None) -> Target:
        """The tool as the policy sees it: as it is now, or as one that is on offer."""
        if tool is not None:
            now = target_of(tool)
            return now if self.terms.tools_now else replace(now, enabled=True, state="offered")
        server, _, name = use.name.partition("__")
        return Target(call.server, call.tool) if call else Target(server, name)

    def _bad_arguments(self, use: ToolUse, tool: Tool) -> Answered | None:
        problems = schemas.validate(tool.input_schema, with_defaults(tool, use.arguments))
        if not problems:
            return None
        return self._turned_down(use, Outcome.BAD_ARGUMENTS, "; ".join(problems))

    def _turned_down(self, use: ToolUse, outcome: Outcome, text: str, rule: str = "") -> Answered:
        return Answered(use.name, _safe(use.arguments), outcome, text, True, rule=rule)


def _safe(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments as a recording keeps them."""
    safe = redact(dict(arguments))
    return safe if isinstance(safe, Mapping) else {}


def key_of(name: str, arguments: Any) -> str:
    """What makes two tool uses the same."""
    return json.dumps([name, arguments], sort_keys=True, default=str)
