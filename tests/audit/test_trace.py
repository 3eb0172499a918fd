"""One question told from its entries: each call once, each wait with its end, what was withheld."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from audit import record
from audit.models import Entry
from audit.trace import Sort, Trace, trace

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
CRM = {"server": "crm", "tool": "find"}


def told(*entries: tuple[float, str, str, dict[str, Any]]) -> list[Entry]:
    """Entries of one question: seconds after noon, kind, outcome, and what else they say."""
    made = []
    for key, (seconds, kind, outcome, facts) in enumerate(entries, 1):
        entry = record.prepare(kind, outcome, question="q", **facts)
        entry.pk, entry.at = key, NOON + timedelta(seconds=seconds)
        made.append(entry)
    return made


def story(*entries: tuple[float, str, str, dict[str, Any]]) -> Trace:
    asked = (0, "question.accepted", "pending", {"detail": {"question": "How much?"}})
    found = trace(told(asked, *entries))
    assert found is not None
    return found


def steps(found: Trace) -> list[tuple[str, str, float, float | None, str]]:
    """Each step: sort, label, its beginning and end in seconds after noon, its outcome."""

    def after(moment: datetime | None) -> float | None:
        return None if moment is None else round((moment - NOON).total_seconds(), 3)

    return [
        (s.sort, s.label, after(s.began) or 0.0, after(s.ended), s.outcome) for s in found.steps
    ]


END = (9, "question.ended", "ok", {"detail": {"milliseconds": {"queued": 250, "model": 900}}})


def test_turns_and_calls_have_their_times() -> None:
    turn = {"milliseconds": 900, "cost": Decimal("0.01"), "detail": {"turn": 1, "model": "m"}}
    found = story(
        (2, "model.turn", "ok", turn),
        (2.1, "call.calling", "pending", {"call": "c1", **CRM}),
        (2.2, "call.calling", "pending", {"call": "c2", **CRM}),
        (3.5, "call.called", "failed", {"call": "c2", "error_code": "timeout", **CRM}),
        (4, "call.called", "ok", {"call": "c1", "result": "one row", **CRM}),
        END,
    )

    assert steps(found) == [
        (Sort.QUEUED, "waits for a worker", 0.0, 0.25, ""),
        (Sort.TURN, "turn 1", 1.1, 2.0, "ok"),
        (Sort.CALL, "crm · find", 2.1, 4.0, "ok"),
        (Sort.CALL, "crm · find", 2.2, 3.5, "failed"),
    ]
    assert [one.entries for one in found.steps] == [(1,), (2,), (3, 6), (4, 5)]
    assert (found.steps[1].cost, found.steps[1].milliseconds) == (Decimal("0.01000000"), 900)
    assert [one.said.get("result") for one in found.steps[2:]] == ["one row", None]
    assert (found.text, found.outcome, found.parts) == (
        "How much?",
        "ok",
        {"queued": 250, "model": 900},
    )


def test_a_call_with_no_end_goes_on_or_has_an_outcome_nobody_knows() -> None:
    calling = (1, "call.calling", "pending", {"call": "c", **CRM})
    settled = (20, "call.settled", "ok", {"call": "c", "detail": {"settled": "carried_out"}, **CRM})

    assert steps(story(calling)) == [(Sort.CALL, "crm · find", 1.0, None, "pending")]
    ended = story(calling, END, settled)
    assert steps(ended)[1] == (Sort.CALL, "crm · find", 1.0, 9.0, "unknown")
    assert (ended.steps[1].entries, ended.steps[1].said["settled"]) == ((2, 4), "carried_out")


def test_a_wait_ends_with_its_own_decision() -> None:
    def asked(at: float, name: str) -> Any:
        return (at, "approval.asked", "pending", {"detail": {"approval": name}, **CRM})

    given = {"who": record.Who(person="ada@example.com"), "detail": {"approval": "b"}, **CRM}
    found = story(asked(1, "a"), asked(2, "b"), (5, "approval.given", "ok", given), END)

    label = "waits for a yes to crm · find"
    assert steps(found)[1:] == [
        (Sort.WAIT, label, 1.0, 9.0, "pending"),
        (Sort.WAIT, label, 2.0, 5.0, "ok"),
    ]
    assert found.steps[2].said["decided_by"] == "ada@example.com"


def test_a_refusal_says_by_which_rule_and_a_cancellation_stands_there() -> None:
    denied = {"effect": "deny", "layer": "role", "rule": "r", "reason": "no", "id": "d1"}
    found = story(
        (1, "call.refused", "refused", {"decision": denied, "error_code": "refused", **CRM}),
        (2, "question.cancelled", "ok", {}),
    )

    assert steps(found) == [
        (Sort.REFUSED, "refused: crm · find", 1.0, 1.0, "refused"),
        (Sort.EVENT, "question.cancelled", 2.0, 2.0, "ok"),
    ]
    said = {"effect": "deny", "layer": "role", "rule": "r", "reason": "no", "decision_id": "d1"}
    assert found.steps[0].said == said | {"error_code": "refused"}


def test_what_was_not_offered_is_told_with_its_turn_and_reason() -> None:
    why = [
        {"why": "policy", "layer": "role", "rule": "r", "count": 2, "tools": ["crm/drop", "crm/x"]},
        {"why": "others", "count": 7},
        "nonsense",
    ]
    found = story(
        (1, "model.turn", "ok", {"detail": {"turn": 1, "withheld": why[:2]}}),
        (2, "model.turn", "ok", {"detail": {"turn": 2, "withheld": {"as_in_turn": 1}}}),
    )

    assert [vars(one) for one in found.withheld] == [
        {"turn": 1, "tools": ("crm/drop", "crm/x"), **{k: why[0][k] for k in ("why", "layer")}}
        | {"rule": "r", "count": 2},
        {"turn": 1, "why": "others", "layer": "", "rule": "", "count": 7, "tools": ()},
    ]


def test_details_of_any_shape_break_nothing() -> None:
    odd: list[Any] = [["list"], {"cut": True, "beginning": "{"}, {"withheld": ["x"], "turn": None}]
    found = story(
        *((n, "model.turn", "ok", {"detail": one}) for n, one in enumerate(odd, 1)),
        (9, "question.ended", "ok", {"detail": {"milliseconds": "long"}}),
    )
    assert (len(found.steps), found.parts) == (3, {})


def test_without_the_entry_of_its_beginning_there_is_no_question() -> None:
    assert trace([]) is None
    assert trace(told(END)) is None
