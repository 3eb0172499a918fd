"""Full-text search: what is sealed is found by its words, what is taken away is not."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from audit import pages, record, seal, search, triggers, words
from audit.errors import BadFilter
from audit.filters import Filters
from audit.models import Entry, EntryWords
from tests.audit.conftest import FULL

pytestmark = pytest.mark.django_db

SAID: dict[str, record.Facts] = {
    "tokyo": {**FULL, "arguments": {"city": "Tōkyō", "note": "the orders of Straße 7"}},
    "ticket": {**FULL, "result": "INC-4711 is open", "arguments": {"q": "orders"}},
    "question": {"detail": {"question": "How much did O'Hara & Sons spend?"}},
    "denied": {"decision": {"effect": "deny", "rule": "no-bulk", "reason": "Ask Bo; never > 5"}},
}


@pytest.fixture
def entries(db: None) -> dict[int, str]:
    """Entries by key, sealed and indexed."""
    written = {record.write("call.called", "ok", **said).pk: name for name, said in SAID.items()}
    seal.seal_once()
    assert search.index_new() == 1
    return written


def found(text: str, names: dict[int, str]) -> list[str]:
    entries = Filters.parse({"text": text}).apply(Entry.objects.order_by("id"))
    return [names[key] for key in entries.values_list("pk", flat=True)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tokyo", ["tokyo"]),
        ("TŌKYŌ strasse", ["tokyo"]),
        ("orders", ["tokyo", "ticket"]),
        ("orders -tokyo", ["ticket"]),
        ('"orders of"', ["tokyo"]),
        ('"of orders"', []),
        ("inc-4711", ["ticket"]),
        ("4711 inc", ["ticket"]),
        ("tok*", ["tokyo"]),
        ("tok", []),
        ("o'hara sons", ["question"]),
        ("no-bulk", ["denied"]),
        ("ada@example.com", ["tokyo", "ticket"]),
        ("get_top_queries", ["tokyo", "ticket"]),
        ("orders nowhere", []),
        ("' OR 1=1 --", []),
        ("a:* NEAR(b) { } ^ \\ % _ words:x", []),
    ],
)
def test_all_that_is_looked_for_has_to_stand_in_an_entry(
    entries: dict[int, str], text: str, names: list[str]
) -> None:
    assert found(text, entries) == names


def test_the_other_filters_hold_besides(entries: dict[int, str]) -> None:
    wanted = Filters.parse({"text": "orders", "server": "nowhere"})
    assert not wanted.apply(Entry.objects.all()).exists()


def test_what_waits_for_its_seal_is_found_after_it(entries: dict[int, str]) -> None:
    entries |= {record.write("auth.login", "ok", detail={"from": "Osaka"}).pk: "osaka"}
    assert (search.index_new(), found("osaka", entries)) == (0, [])

    seal.seal_once()

    assert (search.index_new(), found("osaka", entries)) == (1, ["osaka"])
    assert search.index_new() == 0


def test_what_is_erased_or_taken_away_is_not_found_any_more(
    entries: dict[int, str], raw: Callable[..., None]
) -> None:
    tokyo, ticket, *_ = entries
    with triggers.opened(triggers.ERASE):
        raw("UPDATE audit_entry SET preview = '' WHERE id = %s", tokyo)
    with triggers.opened(triggers.PRUNE):
        raw("DELETE FROM audit_entry WHERE id = %s", ticket)

    assert [found(text, entries) for text in ("tokyo", "inc", "orders")] == [[], [], []]
    assert {*EntryWords.objects.values_list("entry", flat=True)} == {*entries} - {tokyo, ticket}


def test_the_whole_record_is_indexed_again_by_a_command(entries: dict[int, str]) -> None:
    EntryWords.objects.all().delete()
    assert found("tokyo", entries) == []
    out = io.StringIO()

    call_command("index_audit", stdout=out)
    assert (out.getvalue(), found("tokyo", entries)) == ("0 blocks indexed\n", [])
    call_command("index_audit", "--again", stdout=io.StringIO())

    assert found("tokyo", entries) == ["tokyo"]


def test_to_install_twice_is_as_once(entries: dict[int, str]) -> None:
    search.install()
    assert found("tokyo", entries) == ["tokyo"]


def test_the_index_of_words_is_used(entries: dict[int, str]) -> None:
    keys = search.found(words.search("tokyo"))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = keys.explain()
    used = {"postgresql": "Bitmap Index Scan on audit_words", "sqlite": "audit_words VIRTUAL TABLE"}
    assert used[connection.vendor] in plan, plan


# --- Pages of what is found -----------------------------------------------------------------------
def shown(text: str, **more: str) -> pages.Page:
    return pages.asked(Entry.objects.all(), {"text": text, "limit": "2", **more})[0]


# How many entries are looked through first, are rare, are known by their words; then through what.
WAYS = {
    "nearby": ((1000,), 3000, 20_000, (20_000, 80_000)),
    "all of it by its words": ((1, 2), 10, 20, (2, 4)),
    "some of what is known": ((1, 2), 1, 20, (2, 4)),
    "more of what is known": ((1, 2), 1, 20, (2, 99)),
    "some of what is looked through": ((1, 2), 1, 2, (2, 4)),
    "more of what is looked through": ((1, 2), 1, 2, (2, 99)),
}


@pytest.fixture(params=WAYS)
def many(db: None, request: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of seven entries about orders among others, newest first, however they are found."""
    names = ("NEAREST", "MOST_RARE", "MOST_KNOWN", "WINDOWS")
    for name, value in zip(names, WAYS[request.param], strict=True):
        monkeypatch.setattr(search, name, value)
    said = [{"arguments": {"q": "orders" if n % 2 else "leads"}} for n in range(14)]
    written = [record.write("call.called", "ok", **{**FULL, **one}) for one in said]
    seal.seal_once()
    search.index_new()
    return [one.pk for one in written[::-1] if one.arguments == {"q": "orders"}]


def test_pages_of_a_search_lead_there_and_back(many: list[int]) -> None:
    back = [shown("orders")]
    while back[-1].older:
        back.append(shown("orders", before=back[-1].older))
    assert [[one.pk for one in page.entries] for page in back] == [
        many[start : start + 2] for start in (0, 2, 4, 6)
    ]

    forth = [back[-1]]
    while forth[-1].newer:
        forth.append(shown("orders", after=forth[-1].newer))
    assert [one.pk for page in forth for one in page.entries][1:] == [
        many[n] for n in (4, 5, 2, 3, 0, 1)
    ]


def test_other_filters_hold_for_what_is_found(many: list[int]) -> None:
    assert [one.pk for one in shown("orders", server="database_mcp").entries] == many[:2]
    assert shown("orders", server="elsewhere").entries == []
    assert shown("orders nowhere").entries == []


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite knows no such limit")
def test_a_search_that_takes_too_long_is_given_up(
    many: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LONGEST", 0.05)
    slow = Entry.objects.extra(where=["pg_sleep(1) IS NOT NULL"])
    with pytest.raises(BadFilter, match="give a time") as refused:
        pages.asked(slow, {"text": "orders"})
    assert refused.value.field == "text"

    assert [one.pk for one in shown("orders").entries] == many[:2]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
