"""Pages of the record: every entry once, there and back, also where moments are equal."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import pages, record
from audit.errors import BadFilter
from audit.models import Entry

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def seven(db: None) -> list[int]:
    """The keys of seven entries, newest first; three have the same moment."""
    entries = [record.prepare("auth.login", "ok") for _ in range(7)]
    for number, entry in enumerate(entries):
        entry.at = START + timedelta(seconds=min(number, 4) if number > 1 else 2)
    written = record.write_many(entries)
    return [one.pk for one in sorted(written, key=lambda one: (one.at, one.pk), reverse=True)]


def keys(page: pages.Page) -> list[int]:
    return [entry.pk for entry in page.entries]


def test_going_back_and_forth_shows_every_entry_once(seven: list[int]) -> None:
    everything = Entry.objects.all()
    back = [pages.page(everything, limit=3)]
    while back[-1].older:
        back.append(pages.page(everything, before=back[-1].older, limit=3))
    assert [keys(page) for page in back] == [seven[:3], seven[3:6], seven[6:]]
    assert back[0].newer == ""

    forth = [back[-1]]
    while forth[-1].newer:
        forth.append(pages.page(everything, after=forth[-1].newer, limit=3))
    assert [keys(page) for page in forth] == [seven[6:], seven[3:6], seven[:3]]


def test_a_page_is_one_query_that_neither_counts_nor_skips(seven: list[int]) -> None:
    mark = pages.page(Entry.objects.all(), limit=3).older
    with CaptureQueriesContext(connection) as queries:
        pages.page(Entry.objects.all(), before=mark, limit=3)
    [query] = queries
    assert "OFFSET" not in query["sql"]
    assert "COUNT" not in query["sql"]


@pytest.mark.parametrize(
    "mark", ["1", "-", "a-b", "1-", "-1-1", "1-1-1", "²-1", f"{10**19 - 1}-1", f"1-{10**19 - 1}"]
)
def test_what_is_no_mark_is_an_error(mark: str) -> None:
    for field in ("before", "after"):
        with pytest.raises(BadFilter) as refused:
            pages.page(Entry.objects.all(), **{field: mark})
        assert refused.value.field == field


def test_the_limit_is_a_number_up_to_500() -> None:
    assert [pages.limit_of(given) for given in ("", "1", "500")] == [50, 1, 500]
    for given in ("0", "501", "-1", "x", "1e2", "9" * 30):
        with pytest.raises(BadFilter):
            pages.limit_of(given)
