"""What is told of an incident: as data for machines, as a text for people.

Of entries it has names, numbers and a link; never arguments, results or texts of theirs.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from audit import chain, redact
from gateway.models.alerts import Incident

_WORDS = {
    "opened": "",
    "again": "goes on: ",
    "reopened": "is back: ",
    "acknowledged": "acknowledged: ",
    "resolved": "over: ",
    "test": "",
}


def of(incident: Incident, event: str, at: datetime) -> dict[str, Any]:
    """The message, without secrets."""
    said: Any = redact.redact(
        {
            "event": f"alert.{event}",
            "at": chain.plain(at),
            "incident": {
                "id": incident.pk,
                "rule": incident.name,
                "severity": incident.severity,
                "cause": incident.cause,
                "state": incident.state,
                "count": incident.count,
                "opened_at": chain.plain(incident.opened_at),
                "last_at": chain.plain(incident.last_at),
                "filters": dict(incident.filters),
                "detail": dict(incident.detail),
            },
        }
    )
    said["incident"]["url"] = page_of(incident)
    return dict(said)


def test(at: datetime) -> dict[str, Any]:
    """What tries a destination out."""
    return {"event": "alert.test", "at": chain.plain(at), "incident": None}


def page_of(incident: Incident) -> str:
    """Where the incident stands in the admin."""
    return f"{settings.PUBLIC_URL}/admin/gateway/incident/{incident.pk}/change/"


def query_of(incident: Incident) -> str:
    """The filters, as of an address, that find the incident's entries."""
    return urlencode({**incident.filters, "from": chain.plain(incident.opened_at)})


def subject(message: Mapping[str, Any]) -> str:
    """One line for people."""
    incident = message["incident"]
    if incident is None:
        return "OMNI2: this is how an alert arrives"
    cause = f": {incident['cause']}" if incident["cause"] else ""
    event = _WORDS[message["event"].removeprefix("alert.")]
    line = f"OMNI2 {incident['severity']}: {event}{incident['rule']}{cause}"
    return " ".join(line.split())


def text(message: Mapping[str, Any]) -> str:
    """A few lines for people."""
    incident = message["incident"]
    if incident is None:
        return "Somebody has tried this destination out. There is nothing to do.\n"
    lines = [
        subject(message),
        "",
        f"Entries: {incident['count']}, from {incident['opened_at']} to {incident['last_at']}",
        *(f"{name}: {value}" for name, value in incident["detail"].items()),
        "",
        incident["url"],
    ]
    return "\n".join(lines) + "\n"
