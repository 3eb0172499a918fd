"""Rows read by the short way have the digest that the model's own way gives them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from audit import chain, reading, record
from audit.models import Entry
from tests.audit.conftest import FULL

pytestmark = pytest.mark.django_db

ODD: list[record.Facts] = [
    FULL,
    {},
    {"arguments": {"text": "Umlaute äöü, 字, 😀", "quote": '"\\\n\t\x7f\u2028'}},
    {"arguments": {"big": 2**70, "small": -(2**63), "float": 0.1, "much": 1e22, "whole": 2.0}},
    {"arguments": [], "detail": {}, "result": ""},
    {"arguments": "", "detail": {"b": {"z": None, "a": True}, "a": [1, [2, {}]]}},
    {"result": {"cut": "x" * 5000}, "milliseconds": 0, "tokens": {"input": 0}},
]


def written() -> list[Entry]:
    return record.write_many([record.prepare("call.called", "ok", **facts) for facts in ODD])


def rows() -> list[reading.Row]:
    return [row for page in reading.between(-(2**63), 2**62) for row in page]


def test_every_entry_has_the_digest_it_was_written_with() -> None:
    entries = written()
    assert [(row.id, row.digest, row.reckoned, row.at) for row in rows()] == [
        (entry.pk, entry.digest, entry.digest, chain.plain(entry.at)) for entry in entries
    ]


@pytest.mark.postgres
def test_most_entries_need_the_short_way_alone(django_assert_num_queries: Callable) -> None:
    facts: record.Facts = {**FULL, "arguments": {"said": "“all”…"}, "result": "字"}
    record.write_many([record.prepare("call.called", "ok", **facts) for _ in range(20)])
    # Twice a page, twice where the next one begins; none for a single entry.
    with django_assert_num_queries(4):
        assert len(rows()) == 20


def test_what_the_short_way_cannot_spell_is_read_the_sure_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = written()
    monkeypatch.setattr(reading, "_canonical", lambda _: b"something else")
    assert [row.reckoned for row in rows()] == [entry.digest for entry in entries]


@pytest.mark.parametrize("microsecond", [0, 1, 10, 500_000, 999_999])
def test_a_moment_is_spelled_as_it_was_hashed(microsecond: int) -> None:
    entry = record.prepare("auth.login", "ok")
    entry.at = datetime(2026, 5, 1, 12, 0, 0, microsecond, tzinfo=UTC)
    entry.digest = entry.reckon_digest()
    record.write_many([entry])
    assert [(row.reckoned, row.at) for row in rows()] == [(entry.digest, chain.plain(entry.at))]


@pytest.mark.parametrize("text", ["2026-05-01 12:00:00+02", "infinity", ""])
def test_a_moment_in_another_spelling_is_left_to_the_sure_way(text: str) -> None:
    with pytest.raises(reading.UNREADABLE):
        reading._moment(text)


def test_pages_leave_nothing_out_whatever_the_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    ids = [-7, 1, 2, 3, 4, 5, 40, 41, 10**12]
    entries = [record.prepare("auth.login", "ok") for _ in ids]
    for entry, pk in zip(entries, ids, strict=True):
        entry.pk = pk
    record.write_many(entries)
    assert [row.id for row in rows()] == ids
    pages = [[row.id for row in page] for page in reading.between(1, 41)]
    assert pages == [[2, 3, 4], [5], [40, 41]]


def test_only_those_that_are_there_are_found() -> None:
    entries = written()
    wanted = [entries[2].pk, entries[0].pk, 10**9]
    assert [row.id for row in reading.these(wanted)] == [entries[0].pk, entries[2].pk]
    assert reading.these([]) == []
