"""The dashboard: who sees it, what it shows, and what it says of a bad question."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Role
from audit import rollup
from tests.audit.counting import ADA, put, question, refusal
from tests.cast import Cast

pytestmark = pytest.mark.django_db

PAGE = "/admin/dashboard/"


@pytest.fixture
def today(cast: Cast) -> None:
    """A question of today and one of eight days ago; a refusal of now."""
    now = timezone.now()
    put(*question(now, ADA, calls=[("crm", "find")]), *question(now - timedelta(days=8)))
    put(refusal(now, tool="<img src=x>"))
    rollup.roll_up()


@pytest.fixture
def opened(client: Any, cast: Cast) -> Any:
    """Open the page as Ada; the answer."""
    client.force_login(cast.ada)
    return lambda **query: client.get(PAGE, query)


def tiles(page: Any) -> dict[str, tuple[str, str]]:
    return {one.title: (one.value, one.before) for one in page.context["tiles"]}


def test_whoever_may_read_the_record_sees_it_and_nobody_else(client: Any, cast: Cast) -> None:
    assert client.get(PAGE).status_code == 302
    for rights, status in (({"can_view_audit_logs": True}, 200), ({"can_manage_users": True}, 403)):
        cast.dev.role = Role.objects.create(name=f"r{status}", **rights)
        cast.dev.save()
        client.force_login(cast.dev)
        assert client.get(PAGE).status_code == status
        shown = f'href="{PAGE}"' in client.get("/admin/").content.decode()
        assert shown == (status == 200)


def test_an_empty_house_says_what_will_be_here(opened: Any) -> None:
    page = opened()
    assert (page.status_code, page.context["charts"], page.context["tables"]) == (200, [], [])
    assert b"Nothing in this period" in page.content


def test_the_last_seven_days_are_held_against_the_seven_before(opened: Any, today: None) -> None:
    page = opened()
    when = page.context["wanted"].when
    assert (when.granularity, when.end - when.start) == ("day", timedelta(days=7))
    assert tiles(page)["Questions"] == ("1", "1 before")
    assert tiles(page)["Calls"] == ("1", "")
    assert tiles(page)["Cost"] == ("$0.01", "$0.01 before")


@pytest.mark.parametrize(
    ("query", "granularity", "length"),
    [
        ({"last": "24h"}, "hour", timedelta(hours=24)),
        ({"last": "90d"}, "day", timedelta(days=90)),
        ({"since": "2026-05-04", "through": "2026-05-04"}, "hour", timedelta(days=1)),
        ({"since": "2026-05-04", "through": "2026-05-31"}, "day", timedelta(days=28)),
        ({"through": "2026-05-04"}, "hour", timedelta(days=1)),
    ],
)
def test_other_periods(
    opened: Any, query: dict[str, str], granularity: str, length: timedelta
) -> None:
    when = opened(**query).context["wanted"].when
    assert (when.granularity, when.end - when.start) == (granularity, length)


def test_one_person_has_a_dashboard_of_their_own(opened: Any, today: None) -> None:
    page = opened(by="person", name=ADA.person)
    assert (page.context["live"], page.context["tables"]) == (None, [])
    assert tiles(page)["Questions"] == ("1", "1 before")
    assert tiles(opened(by="person", name="nobody@example.com"))["Questions"] == ("0", "")
    assert ADA.person in page.content.decode()


def test_everything_is_said_in_text_and_hostile_names_are_only_text(
    opened: Any, today: None
) -> None:
    said = opened(last="24h", order="refused").content.decode()
    assert "<img src=x>" not in said and "&lt;img src=x&gt;" in said
    assert len(re.findall(r"<figure", said)) == len(re.findall(r"As a table", said)) == 6
    assert "answered 1, failed 0, refused 0, cancelled 0" in said


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"last": "1y"}, "last"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-05-04", "through": "2026-05-03"}, "since"),
        ({"since": "1990-05-04"}, "since"),
        ({"through": "9999-12-31", "since": "9999-12-31"}, "since"),
        ({"order": "name"}, "order"),
        ({"by": "server"}, "name"),
        ({"by": "person", "name": "a\x00b"}, "name"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong(opened: Any, query: Any, field: str) -> None:
    page = opened(**query)
    assert (page.status_code, page.context["wrong"].field) == (400, field)
    assert f"{field}: " in page.content.decode()


def test_it_says_up_to_when_it_has_counted(opened: Any, today: None) -> None:
    put(*question(datetime.now(UTC)))
    page = opened()
    assert page.context["behind"] == 1
    assert "1 block to come" in page.content.decode()
