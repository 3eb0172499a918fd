"""Send what has been sealed to the SIEM: whole blocks, in order, each at least once.

Whoever gets an event twice can tell by `metadata.uid`, the entry's number. Where nothing is sent
to, or an outlet rests after a failure, there is nothing to do.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from audit import following
from audit.models import Entry
from gateway.alerts import webhook
from gateway.outlets import ocsf, place, resting, syslog
from registry import outgoing
from registry.mcp.errors import UpstreamError

NAME = "siem"
AT_ONCE = 500
# A job's turn; what is left waits for the next one.
SECONDS = 20.0
HTTP_SECONDS = 30.0
# A block of the largest size, ten times the time that a part of it may take, and some more.
LEASE = timedelta(minutes=10)
BAD = (Entry.Outcome.REFUSED, Entry.Outcome.FAILED)


class NotTaken(Exception):
    """The SIEM did not take what was sent."""


def forward() -> int:
    """Send what waits, and say how many blocks were taken.

    An outlet that is new begins with what is sealed from now on: the rest can be exported.
    """
    if not settings.SIEM_URL:
        return 0
    following.start_at_the_end(NAME)
    sent, begun = 0, time.monotonic()
    while time.monotonic() - begun < SECONDS and not resting.rests(NAME):
        blocks = _forward()
        sent += blocks
        if not blocks:
            break
    return sent


def _forward() -> int:
    try:
        return following.deliver(NAME, send, most=AT_ONCE, lease=LEASE)
    except (NotTaken, UpstreamError, OSError, ValueError) as failure:
        resting.failed(NAME, str(failure) or type(failure).__name__)
        return 0


def send(entries: "QuerySet[Entry]") -> None:
    """Send these entries and put down that they arrived; raises what says that they did not."""
    to, rows = place.read(settings.SIEM_URL), entries.values(*ocsf.COLUMNS)
    found = list(rows.iterator(AT_ONCE))
    for start in range(0, len(found), AT_ONCE):
        _SENDERS[bool(to.url)](to, found[start : start + AT_ONCE])
    resting.worked(NAME, len(found))


def _by_http(to: place.Place, rows: list[Mapping[str, Any]]) -> None:
    body = b"".join(ocsf.line(row) + b"\n" for row in rows)
    status = outgoing.post(to.url, body, _headers(body, rows), seconds=HTTP_SECONDS)
    if not 200 <= status < 300:
        raise NotTaken(f"It answered {status}.")


def _headers(body: bytes, rows: list[Mapping[str, Any]]) -> dict[str, str]:
    headers = {"content-type": "application/x-ndjson"}
    if settings.SIEM_TOKEN:
        headers["authorization"] = f"Bearer {settings.SIEM_TOKEN}"
    if settings.SIEM_SIGNING_SECRET:
        id = f"{rows[0]['id']}-{rows[-1]['id']}"
        headers |= webhook.signed(body, id=id, secret=settings.SIEM_SIGNING_SECRET)
    return headers


def _by_syslog(to: place.Place, rows: list[Mapping[str, Any]]) -> None:
    syslog.send(to, [_message(to, row) for row in rows])


def _message(to: place.Place, row: Mapping[str, Any]) -> bytes:
    said = syslog.message(ocsf.line(row), row["at"], is_bad=row["outcome"] in BAD)
    if to.transport != "udp" or len(said) <= syslog.LARGEST_DATAGRAM:
        return said
    # What may be long stays at home, where it is found by the entry's number.
    short = {**row, **dict.fromkeys(("arguments", "inputs", "decision", "detail"))}
    short |= {"preview": "", "reason": str(row["reason"])[:200]}
    return syslog.message(ocsf.line(short), row["at"], is_bad=row["outcome"] in BAD)


_SENDERS = {True: _by_http, False: _by_syslog}
