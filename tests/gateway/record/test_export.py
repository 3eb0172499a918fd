"""The record as a file, over REST: who gets it, what it holds, what is recorded of it."""

import asyncio
import csv
import io
import json

import pytest

from audit import export, record
from audit.models import Entry
from omni2.handler import get_application

pytestmark = pytest.mark.django_db

PATH = "/api/audit/export"
LONG = "x" * 200


def text(answer):
    assert answer.status_code == 200, answer.content
    with pytest.warns(Warning, match="asynchronous iterators"):
        return b"".join(answer).decode()


def rows(answer):
    return [json.loads(line) for line in text(answer).splitlines()]


def noted():
    return [
        (entry.outcome, entry.detail)
        for entry in Entry.objects.filter(kind="record.exported").order_by("id")
    ]


def test_who_may_read_the_record_gets_it_and_nobody_else_does(cast, entries, auditor, client_of):
    ids = [entry.pk for entry in entries.values()]
    assert [row["id"] for row in rows(auditor.get(PATH))][: len(ids)] == ids

    lacking, unscoped = client_of(cast.dev, scopes=["admin"]), client_of(cast.ada, scopes=["read"])
    codes = [one.get(PATH).json()["error"]["code"] for one in (lacking, unscoped)]
    assert codes == ["not_allowed", "scope"]
    assert len(noted()) == 2, "what was refused was handed out"


def test_both_formats_hold_what_the_filters_let_through(cast, entries, auditor):
    asked = {"person": cast.dev.email, "kind": "call.called"}
    wanted = [str(entries[name].pk) for name in ("devs", "elsewhere")]

    lines = rows(auditor.get(PATH, asked))
    table = auditor.get(PATH, asked | {"format": "csv"})
    cells = list(csv.DictReader(io.StringIO(text(table))))

    assert [str(row["id"]) for row in lines] == [row["id"] for row in cells] == wanted
    assert list(lines[0]) == list(cells[0]) == ["id", *Entry.columns(), "digest"]
    assert lines[0]["arguments"] == json.loads(cells[0]["arguments"]) == {"name": "Bo"}
    assert table["Content-Type"] == "text/csv"
    assert table["Content-Disposition"].startswith('attachment; filename="record-')
    assert table["Cache-Control"] == "private, no-store"


def test_an_export_is_an_entry_before_it_and_one_with_the_count_after_it(entries, auditor):
    told = {"format": "jsonl", "filters": {"server": "crm"}}
    answer = auditor.get(PATH, {"server": "crm"})
    assert noted() == [("pending", told)]

    assert len(rows(answer)) == 2
    begun = Entry.objects.get(kind="record.exported", outcome="pending")
    assert noted() == [("pending", told), ("ok", told | {"begun": begun.pk, "entries": 2})]
    assert (begun.person, begun.door, begun.role) == ("guest@example.com", "rest", "auditor")


def test_what_is_recorded_meanwhile_does_not_make_an_export_endless(entries, auditor):
    answer = auditor.get(PATH)
    later = record.write("auth.login", "ok")

    assert later.pk not in [row["id"] for row in rows(answer)]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"format": "../../etc/passwd"}, "format"),
        ({"file": "../../etc/passwd"}, "file"),
        ({"limit": "5"}, "limit"),
        ({"_connector": "OR"}, "_connector"),
        ({"user__password__startswith": "a"}, "user__password__startswith"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_what_is_no_filter_is_refused_by_name_and_nothing_is_handed_out(auditor, asked, field):
    answer = auditor.get(PATH, asked, headers={"accept": "text/csv"})

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert noted() == []


# --- Under the server's own interface -------------------------------------------------------------
@pytest.fixture
def served(transactional_db, cast, monkeypatch):
    """Ada's export of many small parts, through the ASGI handler as it is deployed."""
    monkeypatch.setattr(export, "BATCH", 10)
    record.write_many(record.prepare("auth.login", "ok", result=LONG) for _ in range(100))
    bearer = f"Bearer {cast.key(cast.ada, scopes=['admin'])}"
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": PATH,
        "query_string": b"kind=auth.login",
        "headers": [(b"authorization", bearer.encode()), (b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }


async def taken(served, most):
    """The parts of the body, by a client that takes so many and is gone."""
    parts, gone = [], asyncio.Event()
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not asked:
            await gone.wait()
        return asked.pop() if asked else {"type": "http.disconnect"}

    async def send(said):
        parts.extend([said["body"]] if said.get("body") else [])
        if len(parts) >= most:
            gone.set()
            await asyncio.Event().wait()

    await asyncio.wait_for(get_application()(served, receive, send), 10)
    return [part.count(b"\n") for part in parts]


def test_it_leaves_part_by_part(served):
    assert asyncio.run(taken(served, 1000)) == [10] * 10
    assert noted()[1][0] == "ok"


def test_a_client_that_goes_away_ends_it_and_the_record_says_how_far_it_came(served):
    assert asyncio.run(taken(served, 3)) == [10] * 3

    outcome, detail = noted()[1]
    assert (outcome, detail["entries"]) == ("cancelled", 20)
