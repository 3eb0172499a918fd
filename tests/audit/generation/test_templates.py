"""Entries made of one that was prepared: each is what the record's own writer would have made."""

from datetime import UTC, datetime
from decimal import Decimal

from audit import chain, record
from audit.generation.templates import CUSTOMER, NAMES, TICKET, Template
from tests.audit.conftest import FULL

NAMED: record.Facts = {
    **FULL,
    "arguments": {"customer": CUSTOMER, "ticket": TICKET},
    "result": f"{CUSTOMER} asks for {TICKET}",
}


def test_another_entry_of_a_template_has_the_digest_of_its_columns() -> None:
    template = Template(record.prepare("call.called", "ok", **NAMED))
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    own = {"person": "bo@example.com", "cost": "0.00010000", "at": chain.plain(at)}

    cells, digest = template.row(7, own, customer="Lo Mi", ticket="INC-1")

    row = dict(zip(NAMES, cells, strict=True))
    entry = record.prepare(
        "call.called",
        "ok",
        **NAMED
        | {
            "who": record.Who(**{**vars(FULL["who"]), "person": "bo@example.com"}),
            "cost": Decimal("0.0001"),
            "arguments": {"customer": "Lo Mi", "ticket": "INC-1"},
            "result": "Lo Mi asks for INC-1",
        },
    )
    entry.at, entry.result_digest = at, template.entry.result_digest
    entry.salt = row["salt"]
    assert len(entry.salt) == 64
    assert (row["id"], row["digest"], digest) == (7, digest, entry.reckon_digest())
    assert (row["preview"], row["arguments_digest"]) == (entry.preview, entry.arguments_digest)


def test_a_template_stays_as_it_is() -> None:
    template = Template(record.prepare("call.called", "ok", **NAMED))
    before = (template.cells, dict(template.ungrouped), dict(template.grouped))

    template.row(1, {"person": "x@example.com"}, customer="a", ticket="b")

    assert (template.cells, template.ungrouped, template.grouped) == before
