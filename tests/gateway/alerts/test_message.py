"""What is told of an incident, in words."""

from datetime import UTC, datetime

import pytest

from gateway.alerts import message
from gateway.models import Incident

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def incident(settings):
    settings.PUBLIC_URL = "https://omni2.example.com"
    return Incident(
        pk=7,
        name="blocked",
        severity="warning",
        cause="person a@example.com",
        count=3,
        opened_at=AT,
        last_at=AT,
        filters={"person": "a@example.com"},
        detail={"tool": "crm/find"},
    )


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ("opened", "OMNI2 warning: blocked: person a@example.com"),
        ("again", "OMNI2 warning: goes on: blocked: person a@example.com"),
        ("reopened", "OMNI2 warning: is back: blocked: person a@example.com"),
        ("acknowledged", "OMNI2 warning: acknowledged: blocked: person a@example.com"),
        ("resolved", "OMNI2 warning: over: blocked: person a@example.com"),
    ],
)
def test_one_line_says_how_bad_what_and_whose(incident, event, subject):
    assert message.subject(message.of(incident, event, AT)) == subject


def test_the_text_says_how_many_since_when_and_where_to_look(incident):
    assert message.text(message.of(incident, "opened", AT)).splitlines()[2:] == [
        "Entries: 3, from 2026-11-26T12:00:00.000000+00:00 to 2026-11-26T12:00:00.000000+00:00",
        "tool: crm/find",
        "",
        "https://omni2.example.com/admin/gateway/incident/7/change/",
    ]


def test_its_entries_are_found_by_its_filters_since_it_opened(incident):
    assert message.query_of(incident) == (
        "person=a%40example.com&from=2026-11-26T12%3A00%3A00.000000%2B00%3A00"
    )


def test_a_test_says_that_it_is_one():
    assert message.test(AT)["event"] == "alert.test"
    assert "nothing to do" in message.text(message.test(AT))
