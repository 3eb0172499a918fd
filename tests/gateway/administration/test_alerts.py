"""Rules and destinations of alerts over REST, beyond what every path does."""

import json

import pytest

from audit.models import Entry
from gateway.models import AlertRule, Destination
from registry import credentials
from tests.fakes import sink as sinks

pytestmark = pytest.mark.django_db

RULES, DESTINATIONS = "/api/admin/alerts/rules", "/api/admin/alerts/destinations"


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def post(client, path, **body):
    return client.post(path, body, format="json")


def test_a_rule_is_made_changed_and_deleted_each_on_the_record(ada):
    made = post(ada, RULES, name="drops", tools=["drop_*"], kinds=["call.calling"]).json()
    one = f"{RULES}/{made['id']}"
    assert (made["tools"], made["each"], made["enabled"]) == (["drop_*"], "person", True)

    changed = ada.patch(one, {"count": 5, "severity": "critical"}, format="json").json()
    assert (changed["count"], changed["severity"]) == (5, "critical")
    assert ada.patch(one, {"count": 5}, format="json").status_code == 200
    assert ada.delete(one).json()["name"] == "drops"
    assert ada.get(one).status_code == 404

    entries = Entry.objects.filter(kind="admin.changed").order_by("id")
    assert [entry.detail["action"] for entry in entries] == ["added", "changed", "deleted"]
    assert entries[1].detail["values"] == {"count": [1, 5], "severity": ["warning", "critical"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "kind": "weather"}, "kind"),
        ({"name": "x", "kinds": ["call.dropped"]}, "kinds"),
        ({"name": "x", "kinds": "call.called"}, "kinds"),
        ({"name": "x", "filters": {"user__password": "a"}}, "filters"),
        ({"name": "x", "filters": {"from": "1h"}}, "filters"),
        ({"name": "x", "filters": {"person": 5}}, "filters"),
        ({"name": "x", "tools": ["a[b]"]}, "tools"),
        ({"name": "x", "hours": "at night"}, "hours"),
        ({"name": "x", "hours": "mon-fri 07:00-19:00", "time_zone": "Mars"}, "hours"),
        ({"name": "x", "each": "question"}, "each"),
        ({"name": "x", "kind": "spending", "each": "tool"}, "each"),
        ({"name": "x", "unused_days": 5, "each": "server"}, "each"),
        ({"name": "x", "count": 0}, "count"),
        ({"name": "x", "window_seconds": 10**9}, "window_seconds"),
        ({"name": "x", "factor": 0.5}, "factor"),
        ({"name": "x", "factor": 5}, "factor"),
        ({"name": "x", "kind": "server_down", "hours": "mon-fri 07:00-19:00"}, "hours"),
        ({"name": "x", "kind": "server_down", "count": 3}, "count"),
        ({"name": "x", "kind": "spending", "filters": {"role": "dba"}}, "filters"),
        ({"name": "x", "origin": "users.yaml"}, "origin"),
        ({"name": "server down"}, "name"),
    ],
)
def test_a_rule_that_could_not_be_held_against_the_record_is_refused_by_its_field(ada, body, field):
    answer = post(ada, RULES, **body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "url"),
        ({"name": "x", "url": "http://169.254.169.254/"}, "url"),
        ({"name": "x", "url": "https://127.0.0.1/"}, "url"),
        ({"name": "x", "url": "ftp://example.com/"}, "url"),
        ({"name": "x", "kind": "email"}, "addresses"),
        ({"name": "x", "kind": "email", "addresses": "a@example.com, b"}, "addresses"),
        ({"name": "x", "kind": "pigeon"}, "kind"),
        ({"name": "x", "url": "https://8.8.8.8/", "sealed": "y"}, "sealed"),
        ({"name": "x", "url": "https://8.8.8.8/", "secret": "y"}, "secret"),
    ],
)
def test_a_destination_nothing_could_be_sent_to_is_refused_by_its_field(ada, body, field):
    answer = post(ada, DESTINATIONS, **body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert Destination.objects.count() == 0


def test_a_webhooks_secret_is_shown_once_and_stands_nowhere_else(ada):
    made = post(ada, DESTINATIONS, name="ops", url="https://8.8.8.8/h")
    one = f"{DESTINATIONS}/{made.json()['id']}"
    renewed = ada.post(f"{one}/secret")
    secrets = [made.json()["secret"], renewed.json()["secret"]]

    assert [made["Cache-Control"], renewed["Cache-Control"]] == ["no-store, private"] * 2
    row = Destination.objects.get()
    assert credentials.unseal(row.sealed) == {"secret": secrets[1]} and secrets[0] != secrets[1]
    shown = [ada.get(path).content.decode() for path in (DESTINATIONS, one)]
    shown += [ada.patch(one, {"least": "warning"}, format="json").content.decode()]
    shown += [json.dumps(list(Entry.objects.values()), default=str), row.sealed]
    assert [secret for secret in secrets for text in shown if secret in text] == []


def test_e_mail_has_no_secret(ada):
    made = post(ada, DESTINATIONS, name="us", kind="email", addresses="a@example.com").json()

    assert "secret" not in made
    assert ada.post(f"{DESTINATIONS}/{made['id']}/secret").status_code == 404


def test_a_destination_is_tried_out(ada, settings):
    with sinks.serve() as sink:
        settings.INTERNAL_ADDRESSES = [sink.address]
        made = post(ada, DESTINATIONS, name="ops", url=f"{sink.url}/h").json()
        sink.answers += [503]
        tried = [ada.post(f"{DESTINATIONS}/{made['id']}/test").json() for _ in range(2)]

    assert tried == [{"sent": False, "error": "It answered 503."}, {"sent": True, "error": ""}]


def test_a_new_house_has_rules(db):
    assert list(AlertRule.objects.values_list("name", "enabled")) == [
        ("blocked attempts", True),
        ("refused credentials", True),
        ("server down", True),
        ("spend jump", True),
    ]
