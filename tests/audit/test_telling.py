"""One entry told in sections."""

from decimal import Decimal

from audit import record, telling
from audit.explorer import Places
from tests.audit.conftest import FULL

PLACES = Places("/list", "/list/{}", "/questions/{}")


def test_a_full_entry_tells_everything_that_it_holds() -> None:
    entry = record.prepare("call.called", "ok", **FULL)
    told = {
        fact.label: fact.text for part in telling.sections(entry, PLACES) for fact in part.facts
    }

    said = "\n".join(told.values())
    columns = {name: getattr(entry, name) for name in entry.columns()}
    texts = [value for value in columns.values() if isinstance(value, str) and value]
    assert [text for text in texts if text not in said] == []
    assert told["Tokens"] == "900 in, 80 out, 0 cache read"
    assert (told["Cost"], told["Took"]) == (f"${Decimal('0.0039'):.8f}", "41 ms")
    assert '"database": "sales"' in told["Arguments (redacted)"]


def test_an_erased_entry_says_where_it_is_said_why() -> None:
    entry = record.prepare("call.called", "ok", **FULL)
    whole, entry.erased = telling.sections(entry, PLACES), {"groups": {}, "entry": 12}

    told = [fact for part in telling.sections(entry, PLACES) for fact in part.facts]

    new = [fact for fact in told if fact not in [one for part in whole for one in part.facts]]
    assert [(one.label, one.text) for one in new] == [
        ("Erased", "in part; entry 12 says what, and why")
    ]


def test_ways_lead_to_the_question_the_person_and_the_tool() -> None:
    entry = record.prepare("call.called", "ok", **FULL)
    facts = [fact for part in telling.sections(entry, PLACES) for fact in part.facts]

    assert {fact.label: fact.address for fact in facts if fact.address} == {
        "Person": "/list?person=ada%40example.com",
        "Server": "/list?server=database_mcp",
        "Tool": "/list?server=database_mcp&tool=get_top_queries",
        "Question": f"/questions/{entry.question}",
        "Call": f"/list?call={entry.call}",
        "Decision": "/list?decision=d1",
    }


def test_of_an_empty_entry_only_what_happened_and_its_seal_are_told() -> None:
    entry = record.prepare("setup.done", "ok")
    assert [part.title for part in telling.sections(entry, PLACES)] == ["What happened", "Seal"]


def test_changes_are_told_before_and_after_and_nothing_else_is_taken_for_one() -> None:
    def changes(detail):
        return telling.changes(record.prepare("admin.changed", "ok", detail=detail))

    values = {"name": ["dev", None], "tools": [[], ["a"]], "odd": "x"}
    assert [(one.name, one.before, one.after) for one in changes({"values": values})] == [
        ("name", "dev", "null"),
        ("tools", "[]", '["a"]'),
    ]
    assert [changes(detail) for detail in (None, {}, {"values": ["x"]})] == [[], [], []]
