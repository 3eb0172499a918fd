"""An entry as an event of the Open Cybersecurity Schema Framework (schema.ocsf.io, 1.6.0).

Logins and the like are Authentication (3002), alerts Detection Finding (2004), all else API
Activity (6003). What has no field there stands under `unmapped`, by the names of the record.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from audit import chain
from audit.models import Entry

VERSION = "1.6.0"
COLUMNS = ("id", *Entry.columns(), "digest")

Kind, Outcome = Entry.Kind, Entry.Outcome
AUTHENTICATION, FINDING, API = 3002, 2004, 6003
LOGON, LOGOFF, OTHER = 1, 2, 99
CREATE, READ, UPDATE, DELETE = 1, 2, 3, 4

_AUTHENTICATION = {
    Kind.AUTH_LOGIN: LOGON,
    Kind.AUTH_REFUSED: LOGON,
    Kind.AUTH_LOCKED: LOGON,
    Kind.AUTH_LOGOUT: LOGOFF,
    Kind.KEY_USED: LOGON,
}
_FINDING = {"alert.opened": 1, "alert.resolved": 3}
_API = {
    **dict.fromkeys((Kind.KEY_ISSUED, Kind.GRANT_GIVEN, Kind.PERSON_CREATED), CREATE),
    **dict.fromkeys((Kind.KEY_REVOKED, Kind.GRANT_REVOKED, Kind.GRANT_EXPIRED), DELETE),
    **dict.fromkeys((Kind.RECORD_ERASED, Kind.RECORD_PRUNED), DELETE),
    **dict.fromkeys(
        (
            *(Kind.ADMIN_CHANGED, Kind.PERSON_CHANGED, Kind.SERVER_CHANGED, Kind.POLICY_CHANGED),
            *(Kind.CONFIG_IMPORTED, Kind.TOOL_ACCEPTED, Kind.TOOL_QUARANTINED),
        ),
        UPDATE,
    ),
    Kind.RECORD_EXPORTED: READ,
}
# 1 is success, 2 failure, 0 what nobody knows yet, 99 anything else.
_STATUS = {
    Outcome.OK: (1, "Success"),
    Outcome.PENDING: (0, "Unknown"),
    Outcome.UNKNOWN: (0, "Unknown"),
    Outcome.REFUSED: (2, "Failure"),
    Outcome.FAILED: (2, "Failure"),
}
# 1 is informational, 2 low, 3 medium, 4 high.
_SEVERITY = {"info": 1, "warning": 3, "critical": 4}
_EMPTY: tuple[Any, ...] = (None, "", {}, [])
# What has its place in an event; everything else that is there is unmapped.
_PLACED = frozenset(
    {
        *("id", "kind", "outcome", "at", "person", "role", "address", "user_agent", "api_key"),
        *("server", "tool", "call", "question", "error_code", "reason", "milliseconds", "rule"),
    }
)


def event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The event of one entry, given by its columns; without what the entry does not say."""
    kind, code = entry["kind"], _class_of(entry["kind"])
    activity = _activity(code, entry)
    status, word = _STATUS.get(entry["outcome"], (99, "Other"))
    said = {
        "category_uid": code // 1000,
        "class_uid": code,
        "activity_id": activity,
        "type_uid": code * 100 + activity,
        "time": _milliseconds(entry["at"]),
        "severity_id": _severity(code, entry),
        "status_id": status,
        "status": word,
        "status_code": entry["error_code"],
        "status_detail": entry["reason"],
        "message": f"{kind} {entry['outcome']}",
        "duration": entry["milliseconds"],
        "metadata": _metadata(entry),
        "actor": {"user": _user(entry), "session": _present({"uid": entry["api_key"]})},
        "src_endpoint": {"ip": entry["address"]},
        "http_request": {"user_agent": entry["user_agent"]},
        **_own(code, entry),
    }
    return _present(said) | {"unmapped": _unmapped(entry)}


def line(entry: Mapping[str, Any]) -> bytes:
    """The event as one line of JSON, in ASCII, without its end."""
    return _ENCODER.encode(event(entry)).encode()


def _class_of(kind: str) -> int:
    if kind in _AUTHENTICATION:
        return AUTHENTICATION
    return FINDING if kind == Kind.ALERT_RAISED else API


def _activity(code: int, entry: Mapping[str, Any]) -> int:
    if code == AUTHENTICATION:
        return _AUTHENTICATION[entry["kind"]]
    if code == FINDING:
        # 2 is an update of a finding.
        return _FINDING.get((entry["detail"] or {}).get("event", ""), 2)
    return _API.get(entry["kind"], OTHER)


def _severity(code: int, entry: Mapping[str, Any]) -> int:
    if code == FINDING:
        incident = (entry["detail"] or {}).get("incident") or {}
        return _SEVERITY.get(incident.get("severity", ""), 1)
    return 2 if entry["outcome"] in (Outcome.REFUSED, Outcome.FAILED) else 1


def _metadata(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "product": {"name": "OMNI2", "vendor_name": "OMNI2", "version": settings.VERSION},
        "uid": str(entry["id"]),
        "event_code": entry["kind"],
        "correlation_uid": entry["question"],
        "original_time": chain.plain(entry["at"]),
    }


def _user(entry: Mapping[str, Any]) -> dict[str, Any]:
    groups = [{"name": entry["role"]}] if entry["role"] else []
    return {"name": entry["person"], "email_addr": entry["person"], "groups": groups}


def _own(code: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What only events of this class have."""
    if code == AUTHENTICATION:
        return {"user": _user(entry)}
    if code == FINDING:
        incident = (entry["detail"] or {}).get("incident") or {}
        title = " ".join(str(incident.get(name, "")) for name in ("rule", "cause")).strip()
        return {"finding_info": {"uid": str(incident.get("id", entry["id"])), "title": title}}
    tool = f"{entry['server']}/{entry['tool']}" if entry["tool"] else ""
    api = {
        "operation": entry["tool"] or entry["kind"],
        "service": {"name": entry["server"]},
        "request": {"uid": entry["call"]},
        "response": {"error": entry["error_code"]},
    }
    return {
        "api": api,
        "resources": [{"type": "tool", "name": tool}] if tool else [],
        "policy": {"name": entry["rule"]},
    }


def _unmapped(entry: Mapping[str, Any]) -> dict[str, Any]:
    """As the record has it, empty or not inside."""
    rest = {name: value for name, value in entry.items() if name not in _PLACED}
    return {name: value for name, value in rest.items() if value not in _EMPTY}


def _present(value: Any) -> Any:
    """The value without what is empty in it, however deep."""
    if not isinstance(value, dict):
        return value
    inner = {name: _present(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one not in _EMPTY}


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


_ENCODER = json.JSONEncoder(default=chain.plain, separators=(",", ":"))
