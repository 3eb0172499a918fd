"""A head kept outside the database shows what nothing inside can: an end that was cut off."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import anchoring, record, seal, signing
from audit.errors import AnchorError
from audit.findings import Finding
from audit.models import Block, Entry
from audit.verify import verify


@pytest.fixture
def anchor_file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "away" / "anchors.jsonl"
    settings.ANCHOR_FILE = str(path)
    return path


def kept(path: Path) -> list[int]:
    return [one.number for one in anchoring.anchors(path)]


def cut_off(raw: Any, sealed: list[Entry]) -> None:
    """The last block with its entries and all that waits: within the database, as if never."""
    raw("DELETE FROM audit_block WHERE number = 2")
    raw("DELETE FROM audit_entry WHERE id >= %s", sealed[4].pk)
    raw("DELETE FROM audit_unsealed")


def test_the_head_is_added_when_it_has_moved(anchor_file: Path, sealed: list[Entry]) -> None:
    added = anchoring.anchor()
    assert added and added.number == 2
    assert anchoring.anchor() is None
    seal.seal_once()
    assert anchoring.anchor() is not None
    head = Block.objects.get(number=3)
    lines = [json.loads(line) for line in anchor_file.read_text().splitlines()]
    assert [line["number"] for line in lines] == [2, 3]
    assert (lines[1]["digest"], lines[1]["key"]) == (head.digest, head.key)
    assert signing.public_keys()[head.key].fits(lines[1]["signature"], lines[1]["digest"])


def test_an_empty_record_has_no_head(anchor_file: Path, db: None) -> None:
    assert anchoring.anchor() is None


def test_an_end_cut_off_is_found_by_the_anchor(
    anchor_file: Path, sealed: list[Entry], raw: Any
) -> None:
    anchoring.anchor()
    cut_off(raw, sealed)
    assert verify().finding is None, "without an anchor it goes unnoticed"
    assert verify(anchors=anchoring.anchors(anchor_file)).finding == Finding("cut-off", block=2)


def test_an_end_cut_off_and_written_anew_is_found(
    anchor_file: Path, sealed: list[Entry], raw: Any
) -> None:
    anchoring.anchor()
    cut_off(raw, sealed)
    entry = record.write("auth.login", "ok")
    seal.seal_once()
    assert verify().finding is None, "without an anchor it goes unnoticed"
    finding = verify(anchors=anchoring.anchors(anchor_file)).finding
    assert finding == Finding("anchored", entry.pk, 2)


def test_the_job_says_at_once_that_the_end_was_cut_off(
    anchor_file: Path, sealed: list[Entry], raw: Any
) -> None:
    anchoring.anchor()
    cut_off(raw, sealed)
    before = anchor_file.read_text()
    with pytest.raises(AnchorError, match="Block 2"):
        anchoring.anchor()
    assert anchor_file.read_text() == before


def test_all_anchors_are_compared(anchor_file: Path, sealed: list[Entry]) -> None:
    anchoring.anchor()
    seal.seal_once()
    anchoring.anchor()
    report = verify(anchors=anchoring.anchors(anchor_file))
    assert (report.finding, report.anchors) == (None, 2)


def test_a_block_made_after_the_start_fits_its_anchor(
    anchor_file: Path, sealed: list[Entry]
) -> None:
    """Heads go on being anchored while a verification runs."""
    seal.seal_once()
    anchoring.anchor()
    report = verify(start=4, anchors=anchoring.anchors(anchor_file))
    assert (report.finding, report.anchors) == (None, 1)


def test_a_line_that_was_not_finished_does_no_harm(anchor_file: Path, sealed: list[Entry]) -> None:
    anchoring.anchor()
    whole = anchor_file.read_text()
    anchor_file.write_text(whole + whole[:30])
    seal.seal_once()
    assert anchoring.anchor()
    lines = anchor_file.read_text().splitlines()
    assert (lines[0], lines[1]) == (whole.strip(), whole[:30])
    assert json.loads(lines[2])["number"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}\n", "Line 1"),
        ("\nnothing\n", "Line 2"),
        ('{"number": 1}', "Line 1"),
        ("[1]", "Line 1"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused(
    text: str | bytes, said: str, anchor_file: Path
) -> None:
    anchor_file.parent.mkdir()
    anchor_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(AnchorError, match=said):
        list(anchoring.anchors(anchor_file))


def test_anchors_out_of_their_order_are_refused(anchor_file: Path, sealed: list[Entry]) -> None:
    anchoring.anchor()
    later = anchor_file.read_text()
    earlier = later.replace('"number": 2', '"number": 1')
    anchor_file.write_text(later + earlier)
    with pytest.raises(AnchorError, match="Line 2"):
        kept(anchor_file)


# --- The command ----------------------------------------------------------------------------------
def test_the_command_compares_with_the_file_of_the_setting(
    anchor_file: Path, sealed: list[Entry], raw: Any, capsys: pytest.CaptureFixture
) -> None:
    call_command("verify_audit")
    assert "no anchor to compare with" in capsys.readouterr().out
    anchoring.anchor()
    call_command("verify_audit")
    assert capsys.readouterr().out.splitlines()[-1] == "1 anchors fit"
    cut_off(raw, sealed)
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_audit")
    assert stopped.value.code == 1
    assert capsys.readouterr().out.startswith("BROKEN block 2: it was anchored and is gone")
    call_command("verify_audit", "--anchor", "none")
    assert capsys.readouterr().out.startswith("intact")


def test_the_command_refuses_a_file_that_is_not_there(anchor_file: Path, db: None) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", "--anchor", str(anchor_file))
