"""The tools one person may use now, as a model sees them, and why the others are not there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils import timezone

from accounts import access
from accounts.policy import Decision, Effect, Policy, Subject, Target, decide, effects, in_group
from audit.stamps import Kept
from gateway.asker import Asker
from gateway.llm.base import ToolSpec
from registry import catalogue
from registry.models import Tool

# The administrator's word that a tool changes nothing, for servers that give no hints.
READ_ONLY_GROUP = "read_only_safe"

_kept = Kept("accounts", "registry", size=500, of="lists of tools by person")


@dataclass(frozen=True)
class Withheld:
    """A tool this person is not offered, with the decision that says why."""

    tool: Tool
    decision: Decision


@dataclass(frozen=True)
class Toolbox:
    """`offered` in a fixed order, so that a provider can cache it."""

    policy_version: str
    subject: Subject
    offered: tuple[ToolSpec, ...]
    _withheld: Callable[[], tuple[Withheld, ...]]

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """The tools that are not offered, each with its reason; worked out when it is asked for."""
        return self._withheld()


def open_for(asker: Asker, *, server: str = "") -> Toolbox:
    """Ask the policy for every registered tool, by the function that a call asks again.

    What it offered a person is kept until the policy, the person or a tool changes, or a grant
    of theirs ends.
    """
    policy, version = access.current()
    now = timezone.now()
    subject = asker.subject()
    grants = tuple(one for one in subject.grants if one.holds(now))
    place = (asker.user.pk, subject.only_servers, grants)
    everything = _kept.get(place, lambda: _offered(policy, subject, now))
    return Toolbox(
        version,
        subject,
        tuple(spec for spec in everything if spec.server == server) if server else everything,
        lambda: _kept.get(
            ("withheld", server, *place),
            lambda: tuple(_withheld(policy, subject, now, server=server)),
        ),
    )


def _offered(policy: Policy, subject: Subject, now: datetime) -> tuple[ToolSpec, ...]:
    targets, specs = _kept.get("everything", lambda: _everything(policy))
    allowed = effects(policy, subject, targets, now)
    return tuple(spec for spec, effect in zip(specs, allowed, strict=True) if effect != Effect.DENY)


def _everything(policy: Policy) -> tuple[tuple[Target, ...], tuple[ToolSpec, ...]]:
    tools = catalogue.everything()
    return tuple(map(target_of, tools)), tuple(spec_of(tool, policy) for tool in tools)


def _withheld(
    policy: Policy, subject: Subject, now: datetime, *, server: str
) -> Iterator[Withheld]:
    for tool in catalogue.everything():
        if not server or tool.server.name == server:
            decision = decide(policy, subject, target_of(tool), None, now)
            if decision.effect == Effect.DENY:
                yield Withheld(tool, decision)


def target_of(tool: Tool) -> Target:
    """A stored tool as the policy sees it."""
    return Target(
        server=tool.server.name,
        tool=tool.name,
        enabled=tool.server.takes_part,
        state="off" if tool.is_off else tool.state,
        tags=tuple(tool.server.tags),
        read_only=tool.declares_read_only,
        destructive=tool.may_destroy,
        shows_record=tool.server.shows_record,
        server_off=tool.server.is_off,
    )


def spec_of(tool: Tool, policy: Policy) -> ToolSpec:
    """A stored tool as a model sees it: without the arguments that the gateway fills in itself."""
    listed = in_group(policy, READ_ONLY_GROUP, target_of(tool))
    read_only_by = _whose_word(tool, listed=listed)
    return ToolSpec(
        name=tool.qualified_name,
        description=tool.description or tool.title or tool.name,
        input_schema=_without(tool.input_schema, tool.server.argument_defaults),
        read_only=bool(read_only_by),
        server=tool.server.name,
        tool=tool.name,
        read_only_by=read_only_by,
    )


def _whose_word(tool: Tool, *, listed: bool) -> Literal["server", "policy", ""]:
    if tool.declares_read_only:
        return "server"
    return "policy" if listed else ""


def _without(schema: Mapping[str, Any], filled: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    if not filled or not isinstance(properties, Mapping):
        return dict(schema)
    required = [name for name in schema.get("required", []) if name not in filled]
    kept = {name: value for name, value in properties.items() if name not in filled}
    return {**schema, "properties": kept, "required": required}


def with_defaults(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the server's own defaults where the tool takes one and none was given."""
    taken = tool.input_schema.get("properties", {})
    defaults = tool.server.argument_defaults
    return {name: value for name, value in defaults.items() if name in taken} | dict(arguments)
