"""The record into a folder by itself: by periods, resumed wherever it stopped, nothing twice."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audit import archive, archived, following, pruning, record, seal, triggers
from audit.models import Entry, Follower
from gateway.models import Outlet
from gateway.outlets import files, resting

HOUR = timedelta(hours=1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(settings, tmp_path):
    settings.EXPORT_FOLDER, settings.EXPORT_HOURS = str(tmp_path), 1
    return tmp_path


@pytest.fixture
def at(db, monkeypatch):
    """Entries sealed at that moment, so many in a block of their own."""

    def run(moment, count=1):
        record.write_many(record.prepare("auth.login", "ok") for _ in range(count))
        with monkeypatch.context() as patched:
            patched.setattr(seal.timezone, "now", lambda: moment)
            seal.seal_once()

    return run


def names(folder):
    return sorted(path.name for path in folder.glob("*.json"))


def test_each_period_that_is_over_has_its_stretch(folder, at):
    for minutes in (0, 10, 59, 60, 61, 200):
        at(NOON + timedelta(minutes=minutes), count=2)

    assert (files.write_files(), files.write_files()) == (3, 0)
    assert names(folder) == [
        "record-0000000001-0000000003.json",
        "record-0000000004-0000000005.json",
        "record-0000000006-0000000006.json",
    ]
    seen = archived.verify(folder)
    assert (seen.entries, seen.last) == (12, 6)
    assert resting.fares(files.NAME).entries == 12


def test_a_period_that_runs_is_left_alone(folder, at):
    at(timezone.now())

    assert (files.write_files(), names(folder)) == (0, [])


@pytest.mark.parametrize(
    ("hours", "moment", "end"),
    [
        (24, NOON, datetime(2026, 5, 2, tzinfo=UTC)),
        (24, datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)),
        (1, NOON, NOON + HOUR),
        (6, NOON + HOUR, NOON + 6 * HOUR),
    ],
)
def test_periods_are_counted_from_midnight(settings, hours, moment, end):
    settings.EXPORT_HOURS = hours
    assert files.end_of_period(moment) == end


def test_whoever_dies_has_it_written_again_without_gap_or_doubling(folder, at, monkeypatch):
    """Killed before, between and after the files of each stretch."""
    for hours in range(4):
        at(NOON + hours * HOUR, count=3)

    class Killed(BaseException):
        pass

    def dies(*_, **__):
        raise Killed

    deaths = [
        (archive, "lines"),
        (archive._File, "publish"),
        (resting, "worked"),
        (record, "write"),
    ]
    for place, name in deaths:
        with monkeypatch.context() as patched:
            patched.setattr(place, name, dies)
            with pytest.raises(Killed):
                files.write_files()
        assert Follower.objects.get(name=files.NAME).leased_until is None
    files.write_files()

    seen = archived.verify(folder)
    assert (seen.entries, seen.blocks, len(names(folder))) == (12, 4, 4)
    assert list(folder.glob(".*")) == []


def test_what_is_there_whole_is_never_written_again(folder, at):
    """Read again from the beginning, after retention has taken entries away."""
    for hours in range(3):
        at(NOON + hours * HOUR, count=2)
    files.write_files()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "record-0000000002-0000000002.jsonl.gz").write_bytes(b"cut off")
    first = list(Entry.objects.order_by("id").values_list("id", flat=True)[:2])
    with triggers.opened(triggers.PRUNE):
        pruning._prune(first, who=record.Who(), until=timezone.now())
    Follower.objects.filter(name=files.NAME).update(block=0)

    assert files.write_files() == 3
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert archived.verify(folder).pruned == 0


def test_while_another_process_writes_nobody_else_does(folder, at):
    at(NOON)
    with following.holding(files.NAME, lease=HOUR):
        assert files.write_files() == 0
    assert files.write_files() == 1


def test_whoever_lost_the_lease_does_not_move_the_cursor(folder, at, monkeypatch):
    at(NOON)
    write = archive.write

    def slow(*where):
        Follower.objects.update(owner="another")
        return write(*where)

    monkeypatch.setattr(archive, "write", slow)
    assert files.write_files() == 0
    assert Follower.objects.get(name=files.NAME).block == 0
    assert "another process" in Outlet.objects.get(name=files.NAME).error


def test_a_folder_that_is_not_there_is_not_made_and_is_told(folder, at, settings):
    at(NOON)
    settings.EXPORT_FOLDER = str(folder / "mount")

    assert files.write_files() == 0
    assert not (folder / "mount").exists()
    assert resting.configured()[-1].error.endswith("is no folder")
    assert resting.rests(files.NAME)


def test_each_file_is_on_the_record(folder, at):
    at(NOON, count=3)
    files.write_files()

    assert Entry.objects.get(kind="record.exported").detail == {
        "file": "record-0000000001-0000000001.json",
        "blocks": [1, 1],
        "entries": 3,
    }


def test_without_a_folder_nothing_is_written_and_nobody_follows(at, settings):
    settings.EXPORT_FOLDER = ""
    at(NOON)

    assert (files.write_files(), Follower.objects.count()) == (0, 0)
