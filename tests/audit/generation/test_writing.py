"""A made-up record in the database: sealed, intact, and the real one goes on behind it."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import record, seal
from audit.generation import writing
from audit.models import Entry, Unsealed
from audit.verify import verify

pytestmark = pytest.mark.django_db


def made(count: int, **options: Any) -> list[int]:
    return list(writing.generate(count, **{"days": 3, "seed": 1, "processes": 1} | options))


def test_a_made_up_record_is_sealed_and_intact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "STRETCH", 50)

    assert made(120) == [50, 100, 120]

    report = verify()
    assert (report.finding, report.entries, report.unsealed) == (None, 120, 0)
    assert not Unsealed.objects.exists()
    times = list(Entry.objects.order_by("id").values_list("at", flat=True))
    now = timezone.now()
    assert now - timedelta(days=4) < min(times) < max(times) <= now


def test_what_is_written_after_it_has_a_key_of_its_own_and_is_sealed_behind_it() -> None:
    before = record.write("setup.done", "ok")
    made(50)
    after = record.write("auth.login", "ok")
    seal.seal_once()

    assert [before.pk, after.pk] == [before.pk, before.pk + 51]
    assert verify().finding is None


def test_the_same_seed_tells_the_same_stories() -> None:
    def told() -> list[tuple[str, ...]]:
        columns = ("kind", "person", "tool", "question", "arguments")
        return list(Entry.objects.order_by("-id").values_list(*columns)[:20])

    made(20)
    first = told()
    made(20)
    second = told()
    made(20, seed=2)

    assert first == second
    assert told() != first


def test_the_command_refuses_a_database_with_a_record_unless_it_is_told_to_add() -> None:
    record.write("setup.done", "ok")
    with pytest.raises(CommandError, match="holds a record"):
        call_command("generate_audit", "10")
    assert Entry.objects.count() == 1

    out = io.StringIO()
    call_command("generate_audit", "10", "--add", processes=1, stdout=out)
    assert (Entry.objects.count(), out.getvalue()[:11]) == (11, "10 entries,")


@pytest.mark.parametrize("wrong", [("0",), ("5", "--days", "0"), ("-3",)])
def test_the_command_wants_whole_numbers_from_one_on(wrong: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("generate_audit", *wrong)
