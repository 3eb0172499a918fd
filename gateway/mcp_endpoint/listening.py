"""`subscriptions/listen`: a stream that says when one of the caller's lists changed (2026-07-28).

The marks of `audit.stamps` say that people, the policy or the registry have changed, whoever did it
and in which process. One look at them a moment serves all streams of this process, and none is
made while nobody listens; each stream then compares its own caller's lists with what they were.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import (
    SUBSCRIPTION_ID_META_KEY,
    PromptsListChanged,
    ResourcesListChanged,
    ServerEvent,
    ToolsListChanged,
    event_to_notification,
)

from audit import chain, stamps
from gateway.mcp_endpoint import offers
from gateway.mcp_endpoint.caller import Caller, caller_of
from gateway.mcp_endpoint.client import Context
from gateway.mcp_endpoint.threads import in_thread

LOOK_SECONDS = 0.25
MOST_STREAMS, MOST_OF_ONE = 1000, 16
# By what a client asks to hear of: the event, and the lists that it is about.
TOLD: dict[str, tuple[ServerEvent, tuple[Callable[[Caller], dict[str, Any]], ...]]] = {
    "toolsListChanged": (ToolsListChanged(), (offers.tools,)),
    "promptsListChanged": (PromptsListChanged(), (offers.prompts,)),
    "resourcesListChanged": (ResourcesListChanged(), (offers.resources, offers.templates)),
}
Digests = dict[str, str]


class Changes:
    """Wakes all streams of this process when something of people or servers has changed."""

    def __init__(self) -> None:
        self.number = 0
        self._streams: list[int] = []
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def heard_by(self, person: int) -> Iterator[None]:
        """Look for as long as somebody listens. Raises MCPError where too many do."""
        if len(self._streams) >= MOST_STREAMS or self._streams.count(person) >= MOST_OF_ONE:
            raise MCPError(types.INTERNAL_ERROR, "Too many streams listen already.")
        self._streams.append(person)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._streams.remove(person)
            if not self._streams:
                self._looking.cancel()

    async def after(self, number: int) -> int:
        """Wait until there are more changes than these; how many there are then."""
        while self.number == number:
            await self._changed.wait()
        return self.number

    async def _look(self) -> None:
        seen = await in_thread(_marks)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            marks = await in_thread(_marks)
            if marks is None or marks != seen:
                seen = marks
                self.number += 1
                self._changed.set()
                self._changed = asyncio.Event()


def _marks() -> tuple[Any, ...] | None:
    return stamps.marks("accounts", "registry")


def listener(changes: Changes) -> Callable[[Context, Any], Awaitable[dict[str, Any]]]:
    """The handler; it ends when the client leaves, or the caller may no longer come in."""

    async def listen(
        context: Context, params: types.SubscriptionsListenRequestParams
    ) -> dict[str, Any]:
        caller = caller_of(context)
        asked = params.notifications.model_dump(by_alias=True, exclude_none=True)
        wanted = [name for name in TOLD if asked.get(name) is True]
        meta = {SUBSCRIPTION_ID_META_KEY: context.request_id}
        with changes.heard_by(caller.asker.user.pk):
            number = changes.number
            known = await in_thread(lambda: _digests(caller, wanted))
            await _acknowledge(context, wanted, meta)
            while known is not None:
                number = await changes.after(number)
                before, known = known, await in_thread(lambda: _digests(caller, wanted))
                for name in _changed(before, known):
                    await context.session.send_notification(
                        event_to_notification(TOLD[name][0], meta),
                        related_request_id=context.request_id,
                    )
        return {"resultType": "complete", "_meta": meta}

    return listen


def _digests(caller: Caller, wanted: list[str]) -> Digests | None:
    """What the caller's lists are like now; None when they may no longer come in."""
    if not caller.still_comes_in():
        return None
    return {name: chain.digest([listing(caller) for listing in TOLD[name][1]]) for name in wanted}


def _changed(before: Digests, now: Digests | None) -> list[str]:
    return [name for name in before if now is not None and now[name] != before[name]]


async def _acknowledge(context: Context, wanted: list[str], meta: dict[str, Any]) -> None:
    filtered = types.SubscriptionFilter.model_validate(dict.fromkeys(wanted, True))
    params = types.SubscriptionsAcknowledgedNotificationParams(notifications=filtered, _meta=meta)
    await context.session.send_notification(
        types.SubscriptionsAcknowledgedNotification(params=params),
        related_request_id=context.request_id,
    )
