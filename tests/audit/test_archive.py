"""A stretch of the record in files: what stands in them, and that nothing can be changed unseen."""

import gzip
import hashlib
import json
import shutil

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import (
    archive,
    archived,
    chain,
    erasing,
    export,
    pruning,
    record,
    seal,
    signing,
    triggers,
)
from audit.archived import Broken
from audit.filters import Filters
from audit.models import Block, Entry
from tests.audit.conftest import FULL

HOSTILE = {"text": "ü\u2028\x7f\n😀", "number": 1.5, "none": None, "empty": ""}


@pytest.fixture
def blocks(db):
    """Six blocks of different sizes, whose entries have every column and hostile texts."""
    for count in (1, 3, 2, 5, 1, 4):
        record.write_many(
            record.prepare("call.called", "ok", **(FULL | {"detail": HOSTILE}))
            for _ in range(count)
        )
        seal.seal_once()
    return list(Block.objects.order_by("number"))


@pytest.fixture
def folder(blocks, tmp_path, monkeypatch):
    """Two stretches of them."""
    monkeypatch.setattr(archive, "BLOCKS_AT_ONCE", 2)
    monkeypatch.setattr(archive, "ROWS_AT_ONCE", 3)
    archive.write(tmp_path, 1, 4)
    archive.write(tmp_path, 5, 6)
    return tmp_path


FIRST, SECOND = "record-0000000001-0000000004", "record-0000000005-0000000006"


def unpacked(path):
    return gzip.decompress(path.read_bytes()).decode()


def rewrite(folder, name, change):
    """Change a file, and have its manifest say that this was so: what somebody able would do."""
    path = folder / name
    path.write_bytes(gzip.compress(change(unpacked(path)).encode()))
    manifest = folder / f"{name.split('.')[0]}.json"
    said = json.loads(manifest.read_text())
    for file in said["files"]:
        if file["name"] == name:
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(said))


def test_the_files_hold_the_entries_as_an_export_does_and_say_what_is_in_them(folder, blocks):
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(
        f"{name}{end}"
        for name in (FIRST, SECOND)
        for end in (".blocks.jsonl.gz", ".json", ".jsonl.gz")
    )
    whole = "".join(part.text for part in export.parts(Filters.parse({}), export.Format.JSONL))
    text = "".join(unpacked(folder / f"{name}.jsonl.gz") for name in (FIRST, SECOND))
    rows = [json.loads(line) for line in text.splitlines()]
    assert {len(row.pop("salt")) for row in rows} == {64}
    assert {row.pop("erased") for row in rows} == {None}
    assert rows == [json.loads(line) for line in whole.splitlines()]

    manifest = json.loads((folder / f"{FIRST}.json").read_text())
    assert (manifest["entries"], manifest["blocks"]) == (11, 4)
    assert (manifest["first"]["digest"], manifest["last"]["digest"]) == (
        blocks[0].digest,
        blocks[3].digest,
    )


def test_the_same_stretch_is_the_same_files(folder, blocks, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    archive.write(again, 1, 4)

    for path in again.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_what_was_written_is_intact(folder, capsys):
    seen = archived.verify(folder)
    assert (seen.entries, seen.blocks, seen.files, seen.last, seen.unsigned) == (16, 6, 4, 6, 0)

    call_command("verify_export", str(folder))
    assert "16 entries in 6 blocks, 4 files: intact, up to block 6" in capsys.readouterr().out
    call_command("verify_export", str(folder), "--json")
    assert json.loads(capsys.readouterr().out)["last"] == 6


def test_a_key_that_is_not_known_here_proves_nothing_and_is_told(folder, monkeypatch, capsys):
    monkeypatch.setattr(signing, "public_keys", dict)
    call_command("verify_export", str(folder))

    assert "6 blocks have no signature of a key known here" in capsys.readouterr().out


def test_what_was_erased_before_is_intact_without_its_content(blocks, tmp_path):
    first = Entry.objects.order_by("id")[:2]
    erasing.erase(
        Entry.objects.filter(pk__in=[one.pk for one in first]),
        ["person", "content"],
        reason="asked",
        who=record.Who(),
    )
    archive.write(tmp_path, 1, 6)

    assert archived.verify(tmp_path).entries == 16
    text = unpacked(next(tmp_path.glob("*6.jsonl.gz")))
    assert "ada@example.com" not in "".join(text.splitlines()[:2])


def prune(*ids):
    """Take these entries away, as retention does with those whose time is over."""
    with triggers.opened(triggers.PRUNE):
        pruning._prune(ids, who=record.Who(), until=timezone.now())


def test_what_was_pruned_before_is_told_and_the_rest_is_proven(blocks, tmp_path, capsys):
    second, third = (list(chain.ids(blocks[at].members)) for at in (1, 2))
    prune(second[0], *third)
    archive.write(tmp_path, 1, 6)

    seen = archived.verify(tmp_path)
    assert (seen.entries, seen.pruned, seen.blocks) == (13, 3, 6)
    call_command("verify_export", str(tmp_path))
    assert "3 entries had been pruned before" in capsys.readouterr().out


def test_that_an_entry_was_pruned_cannot_be_made_up(blocks, tmp_path):
    """What is said to be pruned has a leaf in the block's root."""
    archive.write(tmp_path, 1, 6)
    name = "record-0000000001-0000000006"
    second = list(chain.ids(blocks[1].members))[0]

    def claim(text):
        rows = [json.loads(line) for line in text.splitlines()]
        rows[1]["pruned"] = {"members": str(second), "leaves": {str(second): "0" * 64}}
        return "".join(json.dumps(row) + "\n" for row in rows)

    rewrite(tmp_path, f"{name}.blocks.jsonl.gz", claim)
    with pytest.raises(Broken, match="block 2 does not hold these entries"):
        archived.verify(tmp_path)


# --- Breaks ---------------------------------------------------------------------------------------
def edit(text):
    return text.replace("ada@example.com", "eve@example.com", 1)


def drop(text):
    return "".join(text.splitlines(keepends=True)[1:])


def swap(text):
    first, second, *rest = text.splitlines(keepends=True)
    return "".join([second, first, *rest])


def add(text):
    return text + text.splitlines(keepends=True)[-1]


def redigest(text):
    """An entry changed together with its digest: the block's root gives it away."""
    first, *rest = text.splitlines(keepends=True)
    row = json.loads(first) | {"person": "eve@example.com"}
    columns = {name: row[name] for name in Entry.columns()}
    row["digest"] = chain.entry_digest(columns, row["salt"], None)
    return json.dumps(row) + "\n" + "".join(rest)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (f"{FIRST}.jsonl.gz", edit, "entry 1 is not what its digest says"),
        (f"{FIRST}.jsonl.gz", redigest, "block 1 does not hold these entries"),
        (f"{FIRST}.jsonl.gz", drop, "has an entry 1 that is missing"),
        (f"{FIRST}.jsonl.gz", add, "is in no block"),
        (f"{FIRST}.blocks.jsonl.gz", drop, "is in no block"),
        (f"{FIRST}.blocks.jsonl.gz", swap, "does not follow"),
        (f"{SECOND}.blocks.jsonl.gz", drop, "does not follow block 4"),
    ],
)
def test_a_change_is_seen_even_where_the_manifest_was_changed_with_it(folder, name, change, said):
    first = Entry.objects.order_by("id").first().pk
    rewrite(folder, name, change)

    with pytest.raises(Broken, match=said.replace("entry 1", f"entry {first}")):
        archived.verify(folder)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / f"{FIRST}.jsonl.gz").unlink(), "this file is missing"),
        (lambda folder: (folder / f"{FIRST}.jsonl.gz").write_bytes(b"x"), "was changed"),
        (lambda folder: (folder / f"{FIRST}.json").write_text("{}"), "this is no manifest"),
        (
            lambda folder: shutil.copy(folder / f"{SECOND}.json", folder / f"{FIRST}.json"),
            "missing|manifest|follow",
        ),
    ],
)
def test_a_folder_that_is_not_whole_is_told_and_the_command_fails(folder, spoil, said):
    spoil(folder)

    with pytest.raises(CommandError, match=f"NOT INTACT: .*({said})") as failed:
        call_command("verify_export", str(folder))
    assert failed.value.returncode == 1


def test_a_block_signed_by_another_is_seen(folder, blocks):
    rewrite(
        folder,
        f"{SECOND}.blocks.jsonl.gz",
        lambda text: text.replace(blocks[4].signature, blocks[3].signature),
    )
    with pytest.raises(Broken, match="block 5 has a signature that does not fit"):
        archived.verify(folder)


def test_no_halves_are_left(blocks, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(archive, "lines", full)
    with pytest.raises(OSError, match="No space left"):
        archive.write(tmp_path, 1, 6)
    assert list(tmp_path.iterdir()) == []

    (tmp_path / ".record-1-2.jsonl.gz.part").write_text("of somebody who died")
    archive.forget_halves(tmp_path)
    assert list(tmp_path.iterdir()) == []
