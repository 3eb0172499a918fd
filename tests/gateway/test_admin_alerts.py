"""The pages of alerts: incidents are decided, rules and destinations are checked and recorded."""

import pytest
from django.utils import timezone

from accounts.models import Role
from audit.models import Entry
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.models import AlertRule, Destination, Incident
from tests.admin_pages import changes, staff
from tests.fakes import sink as sinks

pytestmark = pytest.mark.django_db

PAGES = "/admin/gateway"


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


@pytest.fixture
def incident(cast):
    rule = AlertRule.objects.create(name="blocked")
    said = Found("person dev@example.com", timezone.now(), 3, 7, 9, {"person": "dev@example.com"})
    return incidents.note(rule, said)


def rule_form(**values):
    """What a browser sends; of fields with a made default also what they were."""
    return {
        "initial-kinds": '["call.calling"]', "initial-filters": "{}", "initial-tools": '["drop_*"]',
        "name": "drops", "kind": "entries", "enabled": "on", "severity": "warning",
        "kinds": '["call.calling"]', "filters": "{}", "tools": '["drop_*"]', "hours": "",
        "time_zone": "UTC", "unused_days": 0, "each": "person", "count": 1,
        "window_seconds": 60, "factor": 3, "min_cost": 1, "quiet_minutes": 60, **values,
    }  # fmt: skip


def test_who_reads_the_record_decides_on_incidents_and_nobody_else(client, cast, incident):
    one = f"{PAGES}/incident/{incident.pk}"
    client.force_login(staff(cast.guest))
    assert client.get(f"{one}/change/").status_code == 403
    assert client.post(f"{one}/resolve/").status_code in (403, 404)

    Role.objects.filter(name="viewer").update(can_view_audit_logs=True)
    page = client.get(f"{one}/change/").content.decode()
    assert "/admin/audit/entry/?from=" in page and "person=dev%40example.com" in page
    assert "/admin/audit/entry/9/change/" in page
    assert client.get(f"{one}/acknowledge/").status_code == 200
    client.post(f"{one}/acknowledge/")
    client.post(f"{one}/resolve/")
    incident.refresh_from_db()
    assert (incident.state, incident.decided_by) == ("resolved", cast.guest)
    assert client.get(f"{one}/resolve/").status_code == 403
    assert Incident.objects.count() == 1


def test_what_a_cause_hides_is_shown(ada, incident):
    Incident.objects.update(cause="tool del\u202eeteR", detail={"tool": "x\u200by"})
    for page in (f"{PAGES}/incident/", f"{PAGES}/incident/{incident.pk}/change/"):
        text = ada.get(page).content.decode()
        assert "U+202E" in text, page
    assert "U+200B" in text


def test_the_navigation_says_how_many_are_open(ada, incident):
    assert "1 waiting" in ada.get("/admin/").content.decode()


def test_a_rule_is_added_and_changed_each_on_the_record(ada):
    assert ada.post(f"{PAGES}/alertrule/add/", rule_form()).status_code == 302
    row = AlertRule.objects.get(name="drops")
    ada.post(f"{PAGES}/alertrule/{row.pk}/change/", rule_form(count=5))
    row.refresh_from_db()

    assert (row.tools, row.count) == (["drop_*"], 5)
    assert [(action, fields) for _, action, _, fields in changes()][1] == ("changed", ["count"])
    assert Entry.objects.filter(kind="admin.changed").latest("id").detail["values"] == {
        "count": [1, 5]
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": '["call.dropped"]'}, "There is no kind of entries"),
        ({"filters": '{"password": "x"}'}, "There is no such filter"),
        ({"hours": "at night"}, "written like"),
        ({"kind": "spending", "each": "tool"}, "Spending is of each"),
    ],
)
def test_a_rule_that_could_not_be_held_against_the_record_is_not_saved(ada, wrong, said):
    page = ada.post(f"{PAGES}/alertrule/add/", rule_form(**wrong))

    assert page.status_code == 200 and said in page.content.decode()
    assert not AlertRule.objects.filter(name="drops").exists()


def test_a_destination_is_made_tried_out_and_given_another_secret(ada, settings):
    with sinks.serve() as sink:
        settings.INTERNAL_ADDRESSES = [sink.address]
        form = {"name": "ops", "kind": "webhook", "enabled": "on", "least": "info"}
        inside = ada.post(f"{PAGES}/destination/add/", form | {"url": "https://127.0.0.1/"})
        assert "not a public address" in inside.content.decode()
        ada.post(f"{PAGES}/destination/add/", form | {"url": sink.url})
        one = f"{PAGES}/destination/{Destination.objects.get().pk}"
        assert "has taken it" in ada.post(f"{one}/test/", follow=True).content.decode()
        sink.answers += [500]
        assert "It answered 500." in ada.post(f"{one}/test/").content.decode()
    assert len(sink.posted) == 2

    before = Destination.objects.get().sealed
    assert "whsec_" in ada.post(f"{one}/secret/").content.decode()
    assert Destination.objects.get().sealed != before
    assert "whsec_" not in ada.get(f"{one}/change/").content.decode()


def test_whoever_may_not_change_the_configuration_changes_no_rule(client, cast):
    client.force_login(staff(cast.guest))
    assert client.get(f"{PAGES}/alertrule/").status_code == 403
    assert client.get(f"{PAGES}/destination/").status_code == 403

    Role.objects.filter(name="viewer").update(can_modify_config=True)
    assert client.get(f"{PAGES}/alertrule/").status_code == 200
    assert client.get(f"{PAGES}/incident/").status_code == 403
