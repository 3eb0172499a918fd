"""Entries whose time is over go, and the record stays provable to the last block."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import erasing, following, pruning, record, seal
from audit.findings import Finding
from audit.models import Block, Entry, Follower, Pruned
from audit.verify import verify

pytestmark = pytest.mark.django_db

Raw = Callable[..., None]
WHO = record.Who(door="cli")
OLD, NEW = 40, 1


def write(*kinds: str, days: int) -> list[Entry]:
    """Entries of so many days ago, in a block of their own."""
    entries = [record.prepare(kind, "ok", detail={"some": "thing"}) for kind in kinds]
    for entry in entries:
        entry.at -= timedelta(days=days)
        entry.digest = entry.reckon_digest()
    written = record.write_many(entries)
    assert seal.seal_once() >= len(kinds)
    return written


@pytest.fixture
def blocks() -> list[list[Entry]]:
    """An old block of health and logins, an old one of health alone, a new one."""
    return [
        write("registry.health", "auth.login", "registry.health", days=OLD),
        write("registry.health", "registry.health", days=OLD),
        write("registry.health", "auth.login", days=NEW),
    ]


def prune(**rules: int) -> dict[str, int]:
    kept = {name.replace("_", "."): days for name, days in rules.items()}
    return dict(pruning.prune(kept, who=WHO).kinds)


def left(entries: Sequence[Entry]) -> list[bool]:
    there = {*Entry.objects.values_list("pk", flat=True)}
    return [entry.pk in there for entry in entries]


def test_what_is_older_than_its_kind_is_kept_goes(blocks: list[list[Entry]]) -> None:
    assert prune(registry_health=30) == {"registry.health": 4}
    assert [left(block) for block in blocks] == [[False, True, False], [False] * 2, [True] * 2]
    assert verify().finding is None


def test_the_blocks_stay_with_what_the_proof_needs(blocks: list[list[Entry]]) -> None:
    heads = list(Block.objects.values_list("number", "digest"))
    prune(registry_health=30)
    assert list(Block.objects.values_list("number", "digest")) == heads
    first, second = Pruned.objects.order_by("block")
    leaves = bytes.fromhex(blocks[0][0].digest + blocks[0][2].digest)
    assert (first.block, bytes(first.leaves)) == (1, leaves)
    assert (second.block, bytes(second.leaves)) == (2, b"")


def test_what_stays_of_a_block_goes_when_its_time_has_come(blocks: list[list[Entry]]) -> None:
    prune(registry_health=30)
    assert prune(registry_health=30, auth_login=35) == {"auth.login": 1}
    last = Pruned.objects.order_by("id").last()
    assert last and (last.block, bytes(last.leaves)) == (1, b"")
    assert verify().finding is None
    write("auth.login", days=0)
    report = verify()
    assert (report.finding, report.blocks) == (None, 4)


def test_the_record_says_what_went(blocks: list[list[Entry]]) -> None:
    prune(registry_health=30)
    [said] = Entry.objects.filter(kind="record.pruned")
    detail = {**said.detail}
    rows = Pruned.objects.order_by("block").values_list("block", "members", "leaves")
    assert detail.pop("digest") == pruning.digest_of(rows)
    detail.pop("before")
    assert detail == {
        "entries": 4,
        "kinds": {"registry.health": 4},
        "blocks": 2,
        "first_block": 1,
        "last_block": 2,
    }


def test_nothing_to_prune_leaves_no_trace(blocks: list[list[Entry]]) -> None:
    assert prune(registry_health=50) == {}
    assert Entry.objects.filter(kind="record.pruned").count() == 0


def test_what_waits_to_be_sealed_stays(blocks: list[list[Entry]]) -> None:
    entry = record.prepare("registry.health", "ok")
    entry.at -= timedelta(days=OLD)
    entry.digest = entry.reckon_digest()
    record.write_many([entry])
    assert prune(registry_health=30) == {"registry.health": 4}
    assert left([entry]) == [True]


def test_many_go_in_several_goes(
    blocks: list[list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 3)
    assert prune(registry_health=30) == {"registry.health": 4}
    assert Entry.objects.filter(kind="record.pruned").count() == 2
    assert verify().finding is None


def test_what_a_reader_has_not_read_waits_for_it(blocks: list[list[Entry]]) -> None:
    following.start_again("slow")
    Follower.objects.update(block=1)
    taken = pruning.prune({"registry.health": 30}, who=WHO)
    assert dict(taken.kinds) == {"registry.health": 2}
    assert left(blocks[1]) == [True, True]
    assert pruning.prune({"registry.health": 30}, who=WHO).behind == ["slow"]
    Follower.objects.update(block=3)
    assert prune(registry_health=30) == {"registry.health": 2}


def test_what_says_that_something_was_erased_stays(blocks: list[list[Entry]]) -> None:
    wanted = Entry.objects.filter(pk=blocks[0][1].pk)
    erasing.erase(wanted, ["content"], reason="asked to", who=WHO)
    prune(registry_health=30)
    assert verify().finding is None
    prune(registry_health=30, auth_login=30)
    assert verify().finding is None


# --- Tampering by way of retention ----------------------------------------------------------------
def test_entries_taken_away_without_a_word_are_found(blocks: list[list[Entry]], raw: Raw) -> None:
    """As `prune` does it, but with no entry that says so."""
    prune(registry_health=30)
    raw("DELETE FROM audit_unsealed")
    raw("DELETE FROM audit_entry WHERE kind = 'record.pruned'")
    assert verify().finding == Finding("pruned-unsaid", block=1)


def test_more_taken_away_than_was_said_is_found(blocks: list[list[Entry]], raw: Raw) -> None:
    prune(registry_health=30)
    login = blocks[0][1]
    raw("UPDATE audit_pruned SET members = %s WHERE block = 1", _ranges(blocks[0]))
    raw("UPDATE audit_pruned SET leaves = %s WHERE block = 1", b"")
    raw("DELETE FROM audit_entry WHERE id = %s", login.pk)
    assert verify().finding == Finding("pruned-unsaid", block=1)


def _ranges(entries: Sequence[Entry]) -> str:
    return f"{entries[0].pk}-{entries[-1].pk}"


def test_an_entry_missing_beside_pruned_ones_is_found(blocks: list[list[Entry]], raw: Raw) -> None:
    prune(registry_health=30)
    raw("DELETE FROM audit_entry WHERE id = %s", blocks[0][1].pk)
    assert verify().finding == Finding("missing", blocks[0][1].pk, 1)


@pytest.mark.parametrize("block", [0, 1], ids=["of which some is left", "of which nothing is left"])
def test_an_entry_put_in_the_place_of_a_pruned_one_is_found(
    block: int, blocks: list[list[Entry]]
) -> None:
    prune(registry_health=30)
    forged = record.prepare("auth.login", "ok")
    forged.pk = blocks[block][0].pk
    forged.save()
    assert verify().finding == Finding("there-again", forged.pk, block + 1)


def test_an_edited_leaf_is_found(blocks: list[list[Entry]], raw: Raw) -> None:
    prune(registry_health=30)
    raw("UPDATE audit_pruned SET leaves = %s WHERE block = 1", b"\0" * 64)
    finding = verify().finding
    assert finding and (finding.kind, finding.block) == ("replaced", 1)


def test_a_block_whose_list_of_pruned_ones_is_gone_is_found(
    blocks: list[list[Entry]], raw: Raw
) -> None:
    prune(registry_health=30)
    raw("DELETE FROM audit_pruned WHERE block = 2")
    assert verify().finding == Finding("missing", blocks[1][0].pk, 2)


# --- The command ----------------------------------------------------------------------------------
def test_the_command_prunes_by_the_setting(
    blocks: list[list[Entry]], settings: Any, capsys: pytest.CaptureFixture
) -> None:
    settings.RETENTION = {"registry.*": 30}
    call_command("prune_audit", "--dry-run")
    said = "4 registry.health\n4 entries would be taken away\n"
    assert capsys.readouterr().out.lstrip() == said
    assert Entry.objects.filter(kind="registry.health").count() == 5
    call_command("prune_audit")
    assert capsys.readouterr().out.lstrip() == "4 registry.health\n4 entries taken away\n"
    assert Entry.objects.filter(kind="registry.health").count() == 1


def test_the_command_prunes_by_what_it_is_told(
    blocks: list[list[Entry]], settings: Any, capsys: pytest.CaptureFixture
) -> None:
    settings.RETENTION = {"registry.*": 30}
    following.start_again("slow")
    call_command("prune_audit", "auth.login=30")
    said = capsys.readouterr()
    assert (said.out, said.err.strip()) == (
        "0 entries taken away\n",
        "others wait until they were read by slow",
    )


@pytest.mark.parametrize(
    ("words", "retention", "said"),
    [
        ([], {}, "OMNI2_RETENTION names nothing"),
        ([], {"no": 1}, "OMNI2_RETENTION: no: there is no such kind"),
        (["auth.login"], {}, "auth.login: days"),
        (["auth.login=soon"], {}, "auth.login: days"),
    ],
)
def test_the_command_refuses_what_it_cannot_read(
    words: list[str], retention: object, said: str, settings: Any
) -> None:
    settings.RETENTION = retention
    with pytest.raises(CommandError, match=said):
        call_command("prune_audit", *words)
