"""A stretch hands over what it cannot judge, and names all that it can."""

from collections.abc import Callable

from audit import spans
from audit.findings import Finding
from audit.models import Block, Entry
from audit.spans import Sealed, Span


def of(*numbers: int) -> tuple[Sealed, ...]:
    return tuple(Sealed.of(Block.objects.get(number=number)) for number in numbers)


def test_what_is_in_none_of_its_blocks_is_handed_over(sealed: list[Entry]) -> None:
    looked = spans.look(Span(0, sealed[-1].pk, of(1)))
    assert looked.findings == []
    assert looked.loose == [(entry.pk, entry.digest) for entry in sealed[4:]]
    assert (looked.entries, looked.block) == (7, 1)


def test_what_lies_before_its_range_is_handed_over(sealed: list[Entry]) -> None:
    looked = spans.look(Span(sealed[1].pk, sealed[5].pk, of(1, 2)))
    assert (looked.findings, looked.loose) == ([], [])
    assert looked.strays == [sealed[0].pk, sealed[1].pk]


def test_when_the_entries_of_a_block_happened_is_told(sealed: list[Entry]) -> None:
    first, _ = spans.look(Span(0, sealed[-1].pk, of(1, 2))).dated
    moments = [entry.at.isoformat(timespec="microseconds") for entry in sealed[:4]]
    assert (first.block, first.earliest, first.latest) == (1, min(moments), max(moments))


def test_every_break_is_named_the_lowest_first(
    sealed: list[Entry], raw: Callable[..., None]
) -> None:
    raw("DELETE FROM audit_entry WHERE id = %s", sealed[2].pk)
    raw("UPDATE audit_entry SET digest = 'x' WHERE id = %s", sealed[4].pk)
    looked = spans.look(Span(0, sealed[-1].pk, of(1, 2)))
    assert looked.first == Finding("missing", sealed[2].pk, 1)
    assert {(one.kind, one.entry) for one in looked.findings} == {
        ("missing", sealed[2].pk),
        ("changed", sealed[4].pk),
        ("replaced", sealed[4].pk),
    }


def test_an_empty_stretch_is_whole(db: None) -> None:
    assert spans.look(Span(0, 10)) == spans.Looked()
