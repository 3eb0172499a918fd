"""Verdicts as a table, as JSON, and as JUnit XML for a CI."""

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from gateway.evaluation.running import Verdict

Rows = Sequence[Sequence[Verdict]]
_NOT_IN_XML = {code: "\ufffd" for code in range(32) if code not in (9, 10, 13)}


def lines(rows: Rows) -> Iterator[str]:
    """A line for each case with a column for each model; then what is wrong; then the sums."""
    if not rows:
        return
    width = max(len(row[0].case.name) for row in rows)
    columns = [max(len(one.column), 24) for one in rows[0]]
    heads = (one.column.ljust(size) for one, size in zip(rows[0], columns, strict=True))
    yield "  ".join([" " * width, *heads]).rstrip()
    for row in rows:
        cells = (_cell(one).ljust(size) for one, size in zip(row, columns, strict=True))
        yield "  ".join([row[0].case.name.ljust(width), *cells]).rstrip()
    for one in _failed(rows):
        yield f"{one.case.name} [{one.column}]: {'; '.join(one.failures)}"
    yield from (_sum([row[number] for row in rows]) for number in range(len(rows[0])))


def _cell(one: Verdict) -> str:
    outcome = one.outcome
    if outcome.trouble:
        return "no outcome"
    cost = "cost ?" if outcome.cost is None else f"${outcome.cost:.4f}"
    return f"{'ok  ' if one.passed else 'FAIL'} {outcome.turns} turns, {cost}"


def _failed(rows: Rows) -> list[Verdict]:
    return [one for row in rows for one in row if not one.passed]


def _sum(verdicts: Sequence[Verdict]) -> str:
    passed = sum(one.passed for one in verdicts)
    costs = [one.outcome.cost for one in verdicts]
    known = f"${sum(cost for cost in costs if cost is not None):.4f}"
    cost = known if None not in costs else f"{known} and what is not known"
    tokens = sum(one.outcome.tokens for one in verdicts)
    return f"{verdicts[0].column}: {passed} of {len(verdicts)} passed, {tokens:,} tokens, {cost}"


def as_json(rows: Rows) -> dict[str, Any]:
    """Everything, for programs."""
    failed = _failed(rows)
    return {
        "passed": not failed,
        "failed": len(failed),
        "cases": [
            {"name": row[0].case.name, "columns": [_verdict_as_json(one) for one in row]}
            for row in rows
        ],
    }


def _verdict_as_json(one: Verdict) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "column": one.column,
        "passed": one.passed,
        "failures": list(one.failures),
        "state": outcome.state,
        "answer": outcome.answer,
        "tools": list(outcome.tools),
        "turns": outcome.turns,
        "tokens": outcome.tokens,
        "cost_usd": None if outcome.cost is None else f"{outcome.cost:f}",
        "milliseconds": outcome.milliseconds,
        "unsupported": outcome.unsupported,
    }


def as_junit(rows: Rows) -> str:
    """A suite for each column, as CI servers read them (the format of JUnit's Ant task)."""
    top = ElementTree.Element("testsuites")
    for number in range(len(rows[0]) if rows else 0):
        _suite(top, [row[number] for row in rows])
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _suite(top: ElementTree.Element, verdicts: Sequence[Verdict]) -> None:
    failed = sum(not one.passed for one in verdicts)
    facts = {"name": verdicts[0].column, "tests": str(len(verdicts)), "failures": str(failed)}
    suite = ElementTree.SubElement(top, "testsuite", {key: _safe(facts[key]) for key in facts})
    for one in verdicts:
        seconds = f"{one.outcome.milliseconds / 1000:.3f}"
        facts = {"classname": one.column, "name": one.case.name, "time": seconds}
        case = ElementTree.SubElement(suite, "testcase", {key: _safe(facts[key]) for key in facts})
        if one.failures:
            said = _safe("; ".join(one.failures))
            failure = ElementTree.SubElement(case, "failure", message=said)
            failure.text = _safe(one.outcome.answer)


def _safe(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return text.translate(_NOT_IN_XML)
