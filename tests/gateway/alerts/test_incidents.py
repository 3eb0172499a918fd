"""One incident for each cause: told when it opens, when it lasts, when it is over."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Entry
from audit.record import Who
from gateway.alerts import incidents
from gateway.alerts.incidents import Found
from gateway.models import AlertRule, Destination, Incident, Notice
from registry.models import Server

CAUSE = "person dev@example.com"
HOUR = timedelta(hours=1)


@pytest.fixture
def rule(db):
    return AlertRule.objects.create(name="blocked", severity="warning")


def note(rule, at=None, count=1):
    with transaction.atomic():
        found = Found(CAUSE, at or timezone.now(), count, filters={"person": "dev@example.com"})
        return incidents.note(rule, found)


def told():
    entries = Entry.objects.filter(kind="alert.raised").order_by("id")
    return [entry.detail["event"].removeprefix("alert.") for entry in entries]


def long_ago(incident, **columns):
    """As if these moments of it had been two hours before."""
    Incident.objects.filter(pk=incident.pk).update(
        **{name: timezone.now() - 2 * HOUR for name in columns}
    )


def test_what_goes_on_is_told_once_within_the_quiet_time_and_again_after_it(rule):
    first = note(rule)
    for _ in range(50):
        note(rule)
    assert told() == ["opened"]

    long_ago(first, told_at=1)
    for _ in range(5):
        note(rule)
    assert told() == ["opened", "again"]
    assert Incident.objects.get().count == 56


def test_what_somebody_has_in_hand_is_not_told_again(rule, cast):
    first = note(rule)
    assert incidents.acknowledge(first, by=cast.ada, who=Who(person="ada@example.com"))
    assert not incidents.acknowledge(first, by=cast.ada, who=Who())
    long_ago(first, told_at=1)
    note(rule)

    assert told() == ["opened", "acknowledged"]
    assert (Incident.objects.get().state, Incident.objects.get().count) == ("acknowledged", 2)
    assert Entry.objects.filter(kind="alert.raised").latest("id").person == "ada@example.com"


def test_what_is_quiet_for_its_time_is_over_and_what_is_not_stays(rule):
    quiet = note(rule)
    lasting = incidents.note(rule, Found("person ada@example.com", timezone.now()))
    assert incidents.end_quiet() == 0

    long_ago(quiet, last_at=1)
    assert incidents.end_quiet() == 1
    quiet.refresh_from_db()
    lasting.refresh_from_db()
    assert (quiet.state, lasting.state) == ("resolved", "open")
    assert told() == ["opened", "opened", "resolved"]


def test_a_server_that_is_down_is_over_when_nobody_looks_any_more_and_not_before(rule):
    server = Server.objects.create(name="crm", transport="http")
    AlertRule.objects.update(kind="server_down")
    rule.refresh_from_db()

    def ended(**change):
        incident = incidents.note(rule, Found("server crm", timezone.now()))
        long_ago(incident, last_at=1)
        before = incidents.end_quiet()
        for row, name, value in change.get("of", ()):
            setattr(row, name, value)
            row.save()
        return before, incidents.end_quiet()

    assert ended() == (0, 0)
    assert ended(of=[(server, "enabled", False)]) == (0, 1)
    assert ended(of=[(server, "enabled", True)])[0] == 1
    assert ended(of=[(rule, "enabled", False)]) == (0, 1)


def test_an_incident_whose_rule_is_gone_ends(rule):
    first = note(rule)
    rule.delete()
    first.refresh_from_db()
    assert (first.rule, first.name) == (None, "blocked")

    assert incidents.end_quiet() == 1


def test_what_comes_back_soon_is_the_same_incident(rule):
    first = note(rule)
    long_ago(first, last_at=1)
    incidents.end_quiet()
    again = note(rule)

    assert (again.pk, again.state, again.resolved_at) == (first.pk, "open", None)
    assert told() == ["opened", "resolved", "reopened"]


def test_what_comes_back_late_or_after_somebody_resolved_it_is_another(rule, cast):
    late = note(rule)
    long_ago(late, last_at=1)
    incidents.end_quiet()
    long_ago(late, resolved_at=1)
    second = note(rule)
    assert incidents.resolve(second, by=cast.ada, who=Who(person="ada@example.com"))
    third = note(rule)

    assert len({late.pk, second.pk, third.pk}) == 3
    assert told() == ["opened", "resolved", "opened", "resolved", "opened"]


def test_there_is_never_a_second_one_of_a_cause_that_is_not_resolved(rule):
    first = note(rule)
    twin = Incident.objects.get(pk=first.pk)
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_of_very_many_causes_the_first_are_told_one_by_one_and_the_others_as_one(rule, monkeypatch):
    monkeypatch.setattr(incidents, "MOST_CAUSES", 5)
    for number in range(40):
        filters = {"person": f"p{number}", "kind": "call.refused"}
        incidents.note(rule, Found(f"person p{number}", timezone.now(), 2, filters=filters))

    assert told() == ["opened"] * 6
    others = Incident.objects.get(cause="many others")
    assert (others.count, others.filters) == (70, {"kind": "call.refused"})
    assert others.detail == {"latest": "person p39"}


@pytest.mark.parametrize(
    ("severity", "named"),
    [("info", ["all"]), ("warning", ["all", "some"]), ("critical", ["all", "few", "some"])],
)
def test_a_destination_is_told_what_is_severe_enough_for_it(rule, severity, named):
    for name, least in (("all", "info"), ("some", "warning"), ("few", "critical")):
        Destination.objects.create(name=name, least=least)
    Destination.objects.create(name="off", enabled=False)
    rule.severity = severity
    note(rule)

    assert sorted(one.destination.name for one in Notice.objects.all()) == named


def test_the_message_is_written_with_the_incident_or_not_at_all(rule):
    Destination.objects.create(name="all")
    with pytest.raises(RuntimeError), transaction.atomic():
        note(rule)
        raise RuntimeError("killed")

    assert (Incident.objects.count(), Notice.objects.count(), told()) == (0, 0, [])
