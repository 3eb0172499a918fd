"""Entries in the words of OCSF: which class, which activity, and nothing lost on the way."""

import json

import pytest

from audit import record
from audit.models import Entry
from gateway.outlets import ocsf
from tests.audit.conftest import FULL

pytestmark = pytest.mark.django_db


def event(kind, outcome="ok", **facts):
    made = record.write(kind, outcome, **facts)
    return ocsf.event(Entry.objects.values(*ocsf.COLUMNS).get(pk=made.pk))


@pytest.mark.parametrize(
    ("kind", "outcome", "type_uid", "status_id", "severity_id"),
    [
        ("auth.login", "ok", 300201, 1, 1),
        ("auth.refused", "refused", 300201, 2, 2),
        ("auth.locked", "refused", 300201, 2, 2),
        ("auth.logout", "ok", 300202, 1, 1),
        ("call.calling", "pending", 600399, 0, 1),
        ("call.called", "ok", 600399, 1, 1),
        ("call.called", "failed", 600399, 2, 2),
        ("call.called", "unknown", 600399, 0, 1),
        ("call.refused", "refused", 600399, 2, 2),
        ("question.ended", "cancelled", 600399, 99, 1),
        ("grant.given", "ok", 600301, 1, 1),
        ("record.exported", "ok", 600302, 1, 1),
        ("admin.changed", "ok", 600303, 1, 1),
        ("key.revoked", "ok", 600304, 1, 1),
    ],
)
def test_kind_and_outcome_say_class_activity_status_and_severity(
    kind, outcome, type_uid, status_id, severity_id
):
    said = event(kind, outcome)

    assert (said["type_uid"], said["status_id"], said["severity_id"]) == (
        type_uid,
        status_id,
        severity_id,
    )
    assert said["class_uid"] == type_uid // 100
    assert said["activity_id"] == type_uid % 100
    assert said["category_uid"] == type_uid // 100_000


@pytest.mark.parametrize("kind", Entry.Kind.values)
def test_every_kind_has_what_every_event_must_have(kind):
    said = event(kind)

    needed = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time"}
    assert needed | {"type_uid", "status_id"} <= said.keys()
    assert said["metadata"]["version"] == "1.6.0"
    assert said["metadata"]["event_code"] == kind
    if said["class_uid"] == 6003:
        assert said["api"]["operation"]
    if said["class_uid"] == 2004:
        assert said["finding_info"]["uid"]


def test_a_call_says_who_called_what_from_where():
    said = event("call.called", **FULL)
    entry = Entry.objects.get()

    assert said["actor"] == {
        "user": {
            "name": "ada@example.com",
            "email_addr": "ada@example.com",
            "groups": [{"name": "dba"}],
        },
        "session": {"uid": "k1a2b3c4"},
    }
    assert said["api"] == {
        "operation": "get_top_queries",
        "service": {"name": "database_mcp"},
        "request": {"uid": FULL["call"]},
        "response": {"error": "slow"},
    }
    assert said["src_endpoint"] == {"ip": "192.0.2.7"}
    assert said["http_request"] == {"user_agent": "Slackbot 1.0"}
    assert said["metadata"]["uid"] == str(entry.pk)
    assert said["metadata"]["correlation_uid"] == FULL["question"]
    assert (said["duration"], said["time"]) == (41, round(entry.at.timestamp() * 1000))


def test_whatever_stands_in_an_entry_stands_in_its_event():
    said = event("call.called", **FULL)
    text = json.dumps(said, default=str)
    entry = Entry.objects.values(*Entry.columns(), "digest").get()

    def is_there(value):
        return value in (None, "", {}, []) or json.dumps(value, default=str) in text

    del entry["at"], entry["outcome"]
    assert [name for name, value in entry.items() if not is_there(value)] == []


@pytest.mark.parametrize(
    ("event_name", "activity", "severity", "severity_id"),
    [
        ("alert.opened", 1, "critical", 4),
        ("alert.again", 2, "warning", 3),
        ("alert.resolved", 3, "info", 1),
    ],
)
def test_an_alert_is_a_finding(event_name, activity, severity, severity_id):
    incident = {"id": 7, "rule": "blocked", "cause": "person a@example.com", "severity": severity}
    said = event("alert.raised", detail={"event": event_name, "incident": incident})

    assert (said["class_uid"], said["activity_id"]) == (2004, activity)
    assert said["severity_id"] == severity_id
    assert said["finding_info"] == {"uid": "7", "title": "blocked person a@example.com"}


def test_a_line_is_one_line_of_ascii_whatever_stands_in_it():
    made = record.write(
        "auth.refused", "refused", who=record.Who(user_agent="ü\n<13>1 - x\x00\x85")
    )
    line = ocsf.line(Entry.objects.values(*ocsf.COLUMNS).get(pk=made.pk))

    assert line.isascii() and b"\n" not in line
    assert json.loads(line)["class_uid"] == 3002
