"""Incidents over REST: who sees them, who decides, and that each decision is made once."""

import pytest
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from audit.models import Entry
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.models import AlertRule, Incident
from tests.gateway.administration.test_documented import as_json_schema, faults

pytestmark = pytest.mark.django_db

PATH = "/api/audit/alerts"


@pytest.fixture(scope="module")
def description():
    return as_json_schema(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def found(cast):
    """Two incidents of two rules; the one of Dev's is the later one."""
    made = []
    for name, severity, person in (("nights", "info", "ada"), ("blocked", "warning", "dev")):
        rule = AlertRule.objects.create(name=name, severity=severity)
        address = f"{person}@example.com"
        said = Found(f"person {address}", timezone.now(), 3, 7, 9, {"person": address})
        made.append(incidents.note(rule, said))
    return made


def test_who_may_read_the_record_sees_and_decides_and_nobody_else_does(
    cast, auditor, client_of, found
):
    one = f"{PATH}/{found[1].pk}"
    ways = [("get", PATH), ("get", one), ("post", f"{one}/acknowledge"), ("post", f"{one}/resolve")]
    others = [client_of(cast.dev, scopes=["admin"]), client_of(cast.ada, scopes=["read"])]
    refused = [getattr(client, way)(path) for client in others for way, path in ways]
    assert {answer.status_code for answer in refused} == {403}
    assert Incident.objects.get(pk=found[1].pk).state == "open"

    answers = [getattr(auditor, way)(path) for way, path in ways]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json()["total"] == 2


def test_an_incident_says_what_it_is_and_how_to_find_its_entries(auditor, found, description):
    answer = auditor.get(f"{PATH}/{found[1].pk}")
    said = answer.json()

    assert faults(description, "get", answer, f"{PATH}/{found[1].pk}") == []
    assert {name: said[name] for name in ("rule", "severity", "cause", "state", "count")} == {
        "rule": "blocked",
        "severity": "warning",
        "cause": "person dev@example.com",
        "state": "open",
        "count": 3,
    }
    assert said["entries"].startswith("person=dev%40example.com&from=")
    assert auditor.get(f"/api/audit/entries?{said['entries']}").status_code == 200


@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        ({}, ["blocked", "nights"]),
        ({"severity": "info"}, ["nights"]),
        ({"state": "open"}, ["blocked", "nights"]),
        ({"state": "resolved"}, []),
        ({"rule": "blocked"}, ["blocked"]),
    ],
)
def test_incidents_are_found_by_state_severity_and_rule(auditor, found, description, asked, rules):
    answer = auditor.get(PATH, asked)

    assert [one["rule"] for one in answer.json()["items"]] == rules
    assert faults(description, "get", answer, PATH) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"state": "gone"}, "state"), ({"severity": "x"}, "severity"), ({"cause": "x"}, "cause")],
)
def test_what_is_no_filter_is_refused_by_name(auditor, found, asked, field):
    answer = auditor.get(PATH, asked)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_a_decision_is_made_once_and_is_on_the_record(auditor, found, description):
    one = f"{PATH}/{found[0].pk}"
    words = ("acknowledge", "acknowledge", "resolve", "resolve", "acknowledge")
    answers = [auditor.post(f"{one}/{word}") for word in words]

    assert [answer.status_code for answer in answers] == [200, 409, 200, 409, 409]
    assert answers[2].json()["decided_by"] == "guest@example.com"
    assert answers[3].json()["error"]["message"] == "This incident is resolved."
    assert faults(description, "post", answers[3], f"{one}/resolve") == []
    entries = Entry.objects.filter(kind="alert.raised", person="guest@example.com").order_by("id")
    assert [entry.detail["event"] for entry in entries] == ["alert.acknowledged", "alert.resolved"]


def test_an_id_of_none_is_not_found(auditor):
    assert auditor.get(f"{PATH}/999999").status_code == 404
    assert auditor.post(f"{PATH}/999999/resolve").status_code == 404
