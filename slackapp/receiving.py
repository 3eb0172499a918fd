"""A signed request comes in: once, and written down before it is acknowledged."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from slack_bolt import BoltContext, BoltRequest, BoltResponse

from slackapp.commands import command_of
from slackapp.models import SeenRequest

log = logging.getLogger(__name__)
# Slack gives up after three seconds; the database gets one of them.
PATIENCE_MILLISECONDS = 1000
TRY_AGAIN = "OMNI2 is too busy to take this down. Please try again in a minute."


def let_in_once(
    req: BoltRequest, body: dict[str, Any], context: BoltContext, next: Callable[[], None]
) -> BoltResponse | None:
    """Bolt's middleware: go on with a request that is new, answer one that is not with nothing."""
    command = command_of(body)
    try:
        with _impatient():
            seen = SeenRequest.let_in(
                req.headers["x-slack-signature"][0],
                str(body.get("event_id") or body.get("trigger_id") or ""),
                asdict(command) if command else {},
            )
    except DatabaseError:
        log.warning("the database did not take a Slack request down in time", exc_info=True)
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": TRY_AGAIN})
        return BoltResponse(status=503, body="")
    if seen is None:
        return BoltResponse(status=200, body="")
    context["seen_request"] = seen.pk
    next()
    return None


@contextmanager
def _impatient() -> Iterator[None]:
    """Let the database refuse rather than take longer than we have."""
    if connection.vendor == "sqlite":
        usual = 1000 * settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 5)
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {usual}")
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MILLISECONDS}")
        yield
