"""One call of one tool, with what protects its server: breaker, places, retries, one deadline.

`gateway.calls` is the only user. Nothing here asks who may; that has been decided.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from audit.redact import redact_known
from registry import breaker, bulkhead, tokens
from registry.connected import NOBODY
from registry.endpoints import endpoint_for, with_token
from registry.mcp.behalf import ALONE, Behalf
from registry.mcp.client import connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    TOO_MANY,
    BadArguments,
    Cancelled,
    GuardRefused,
    HttpRefused,
    InputRequired,
    Rejected,
    UpstreamError,
    is_its_fault,
)
from registry.models import Server, Tool
from registry.verbs import VERBS
from registry.waiting import few_keep_their_connection, release_connection

LOOK_AGAIN = 0.05
# Beyond the call's own time, until a probe that says nothing is taken for dead.
PROBE_GRACE = 10.0
UNAUTHORIZED = 401
# Errors of ours, which say nothing of the server.
NEVER_LEFT = (BadArguments, GuardRefused)

Stop = threading.Event | Callable[[], bool]


def call(
    server: Server,
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    person: int = NOBODY,
    timeout: float | None = None,
    cancelled: Stop | None = None,
    once: bool = False,
    behalf: Behalf = ALONE,
) -> dict[str, Any]:
    """The tool's raw result, within the server's own time or `timeout` seconds, whichever is less.

    `person` is for whom: where each person has an account of their own at the server, theirs is
    used, and no other.

    All tries are included; the server's row says how many there are. A second one is made only
    where the first was provably not carried out, or the tool declares that twice is as good as
    once, and the caller does not insist on `once`. Raises `UpstreamError` or `RegistryError`;
    `executed` on both says whether the tool may have run.
    """
    breaker.check_remembered(server)
    seconds = min(server.timeout_seconds, math.inf if timeout is None else timeout)
    deadline = time.monotonic() + seconds
    endpoint = endpoint_for(server, person)
    with bulkhead.place(server, deadline=deadline, stops=lambda: _says_stop(cancelled)):
        return _tries(
            _Target(server, tool, endpoint, once=once, behalf=behalf),
            arguments,
            deadline=deadline,
            cancelled=cancelled,
        )


class _Target:
    """Where the tries of one call go."""

    def __init__(
        self, server: Server, tool: Tool, endpoint: Endpoint, *, once: bool, behalf: Behalf
    ) -> None:
        self.server, self.tool, self.endpoint, self.once = server, tool, endpoint, once
        self.behalf = _without_secrets(behalf)
        self._has_renewed = False

    def renews(self, error: UpstreamError) -> bool:
        """Whether the token was refused, and another one takes its place. Once."""
        account, is_refusal = self.endpoint.account, isinstance(error, HttpRefused)
        if account is None or self._has_renewed or not is_refusal or error.status != UNAUTHORIZED:
            return False
        self._has_renewed = True
        refused = self.endpoint.headers["Authorization"].removeprefix("Bearer ")
        token = tokens.token_after(self.server, account, refused=refused)
        self.endpoint = with_token(self.server, account, token)
        return True

    def send(
        self, arguments: Mapping[str, Any], *, timeout: float, cancelled: Stop | None
    ) -> dict[str, Any]:
        """Have the tool called, or the verb that goes by a tool's name carried out."""
        verb = VERBS.get(self.tool.name)
        if verb is not None:
            return connections.ask(
                self.endpoint,
                verb.method,
                arguments,
                timeout=timeout,
                cancelled=cancelled,
                behalf=self.behalf,
            )
        return connections.call_tool(
            self.endpoint,
            self.tool.name,
            arguments,
            accepted=self.tool.definition,
            timeout=timeout,
            cancelled=cancelled,
            behalf=self.behalf,
        )

    def may_repeat(self, error: UpstreamError) -> bool:
        if isinstance(error, BadArguments | Cancelled | GuardRefused | Rejected | InputRequired):
            return False
        if isinstance(error, HttpRefused) and error.status is not None and error.status < 500:
            return error.status == TOO_MANY
        return error.executed == "no" or (self.tool.declares_idempotent and not self.once)


def _tries(
    target: _Target, arguments: Mapping[str, Any], *, deadline: float, cancelled: Stop | None
) -> dict[str, Any]:
    """Try until there is a result, a failure that must not be repeated, or no time left."""
    left = max(1, target.server.retry_attempts)
    delay = target.server.retry_delay_seconds
    while True:
        left -= 1
        try:
            return _once(target, arguments, deadline=deadline, cancelled=cancelled)
        except UpstreamError as error:
            if target.renews(error):
                left += 1
                continue
            late = time.monotonic() + delay >= deadline
            if not left or late or not target.may_repeat(error):
                raise
            _sleep(delay, cancelled)
            if _says_stop(cancelled):
                raise


def _once(
    target: _Target, arguments: Mapping[str, Any], *, deadline: float, cancelled: Stop | None
) -> dict[str, Any]:
    seconds = max(0.0, deadline - time.monotonic())
    has_failed = breaker.admit(target.server, probe=timedelta(seconds=seconds + PROBE_GRACE))
    try:
        # While the server takes its time, others may need the database more than we do.
        with few_keep_their_connection():
            answer = target.send(arguments, timeout=seconds, cancelled=cancelled)
        result = redact_known(answer)
    except UpstreamError as error:
        if is_its_fault(error):
            breaker.failed(target.server)
        elif has_failed and isinstance(error, NEVER_LEFT):
            breaker.untried(target.server)
        elif has_failed and not isinstance(error, Cancelled):
            breaker.succeeded(target.server)
        if isinstance(error, Rejected):
            raise error.with_said(redact_known(error.message), redact_known(error.data)) from None
        raise
    # Asked before, because an UPDATE takes SQLite's write lock even where it changes nothing.
    if has_failed:
        breaker.succeeded(target.server)
    return result


def _without_secrets(behalf: Behalf) -> Behalf:
    """What the server says meanwhile reaches whoever waits without the credential it was given."""
    hear = behalf.hear
    if hear is None:
        return behalf
    return replace(behalf, hear=lambda method, said: hear(method, redact_known(dict(said))))


def _sleep(seconds: float, cancelled: Stop | None) -> None:
    end = time.monotonic() + seconds
    release_connection()
    while time.monotonic() < end and not _says_stop(cancelled):
        time.sleep(min(LOOK_AGAIN, max(0.0, end - time.monotonic())))


def _says_stop(cancelled: Stop | None) -> bool:
    if cancelled is None:
        return False
    return cancelled.is_set() if isinstance(cancelled, threading.Event) else cancelled()
