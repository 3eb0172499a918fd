"""How the demo judges the answers to its three questions."""

from datetime import UTC, datetime, timedelta

import pytest

from omni2.demo import story

NOON_UTC = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


def asked(answer: str, *calls: tuple[str, str, str], seconds: float = 2) -> story.Asked:
    result = {
        "answer": answer,
        "calls": [
            {"server": server, "tool": tool, "state": state} for server, tool, state in calls
        ],
    }
    return story.Asked(result, NOON_UTC, NOON_UTC + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("It is 2026-11-23T21:00:31+09:00 in Tokyo.", True),
        ("It is 9:00 PM.", True),
        ("It is 12:00 UTC.", False),
        ("It is 20:59.", False),
        ("It is 21:01.", False),
        ("I do not know.", False),
    ],
)
def test_time_is_right_when_it_was_that_time_in_tokyo(answer: str, right: bool) -> None:
    assert (story.wrong_time(asked(answer)) == "") is right


def test_time_may_be_any_minute_between_asking_and_answering() -> None:
    judged = [story.wrong_time(asked(f"21:0{minute}", seconds=95)) == "" for minute in range(4)]
    assert judged == [True, True, True, False]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("* **Fix `calls`: never twice**", True),
        ("fix calls never twice", True),
        ("Fix calls: once", False),
    ],
)
def test_commit_is_right_whatever_marks_its_subject_has(answer: str, right: bool) -> None:
    assert (story.wrong_commit(answer, "Fix calls: never twice") == "") is right


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("customers, orders and products", ""),
        ("[{'name': 'customers'}, {'name': 'orders'}]", "not named: products"),
        ("customers, preorders, products", "not named: orders"),
    ],
)
def test_tables_are_right_when_each_is_named(answer: str, fault: str) -> None:
    assert story.wrong_tables(answer, ["customers", "orders", "products"]) == fault


@pytest.mark.parametrize(
    ("calls", "answer", "verdict"),
    [
        ([("time", "get_current_time", "done")], "fine, says get_current_time", ""),
        ([], "fine, says get_current_time", "no call to time succeeded"),
        ([("git", "get_current_time", "done")], "fine", "no call to time succeeded"),
        ([("time", "get_current_time", "failed")], "fine", "no call to time succeeded"),
        (
            [("time", "get_current_time", "done")],
            "fine",
            "the answer does not name the tool it rests on (get_current_time)",
        ),
        ([("time", "get_current_time", "done")], "wrong, says get_current_time", "it is wrong"),
    ],
)
def test_verdict_wants_the_server_called_the_tool_named_and_the_meaning_right(
    calls: list[tuple[str, str, str]], answer: str, verdict: str
) -> None:
    told = story.Told("?", "time", lambda asked: "it is wrong" if "wrong" in asked.answer else "")
    assert told.verdict(asked(answer, *calls)) == verdict
