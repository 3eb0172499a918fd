from datetime import date
from typing import Any

import pytest

from gateway.llm.filling import fill

TODAY = date(2026, 11, 23)
ZONE = {"type": "string", "description": "IANA timezone name"}
LOCAL = "IANA name. Use 'Asia/Tokyo' as local timezone if no timezone provided by the user."


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    full = {
        name: {"type": value} if isinstance(value, str) else value
        for name, value in properties.items()
    }
    return {"type": "object", "properties": full, "required": list(required)}


CONVERT = schema(
    "source_timezone",
    "time",
    "target_timezone",
    source_timezone=ZONE,
    time="string",
    target_timezone=ZONE,
)
EXCHANGE = schema("from", "to", **{"from": {"type": "string", "description": "currency code"}}) | {}
EXCHANGE["properties"]["to"] = EXCHANGE["properties"]["from"]
REPOSITORY = schema("owner", "repo", owner="string", repo="string")
LOG = schema(max_count="integer", page="integer", author="string", all="boolean")
CITY = schema("city", city="string", unit={"enum": ["celsius", "fahrenheit"]})
PODS = schema("namespace", namespace="string")
SQL = schema("query", query={"type": "string", "description": "SELECT SQL query to execute"})
TITLE = schema("title", title="string")
PATH = schema("path", path="string")
EXPRESSION = schema("expression", expression="string")


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        (
            "What time is it in Tokyo?",
            schema("timezone", timezone=ZONE),
            {"timezone": "Asia/Tokyo"},
        ),
        (
            "what's 9am Tel Aviv time in New York?",
            CONVERT,
            {
                "source_timezone": "Asia/Jerusalem",
                "time": "09:00",
                "target_timezone": "America/New_York",
            },
        ),
        (
            "What time is it in Tokyo when it is 14:30 in London?",
            CONVERT,
            {"source_timezone": "Europe/London", "time": "14:30", "target_timezone": "Asia/Tokyo"},
        ),
        (
            "To Tokyo from Paris at noon",
            CONVERT,
            {"source_timezone": "Europe/Paris", "time": "12:00", "target_timezone": "Asia/Tokyo"},
        ),
        ("how much is 100 USD in EUR?", EXCHANGE, {"from": "USD", "to": "EUR"}),
        ("euros to dollars", EXCHANGE, {"from": "EUR", "to": "USD"}),
        ("newest release of django/django?", REPOSITORY, {"owner": "django", "repo": "django"}),
        ("show the last 5 commits", LOG, {"max_count": 5}),
        ("commits, page 2", LOG, {"page": 2}),
        ("show the commits", LOG, {}),
        ("commits of author ada", LOG, {"author": "ada"}),
        ("weather in Haifa", CITY, {"city": "Haifa"}),
        ("weather in Haifa in fahrenheit", CITY, {"city": "Haifa", "unit": "fahrenheit"}),
        ("which pods crash in namespace prod?", PODS, {"namespace": "prod"}),
        ('pods of namespace "my team"', PODS, {"namespace": "my team"}),
        ("SELECT a FROM b WHERE c = 'd'", SQL, {"query": "SELECT a FROM b WHERE c = 'd'"}),
        ("Run select count(*) from users?", SQL, {"query": "select count(*) from users"}),
        ("who was Ada Lovelace?", TITLE, {"title": "Ada Lovelace"}),
        ("open notes.txt", PATH, {"path": "notes.txt"}),
        ("what's 15% of 2,380?", EXPRESSION, {"expression": "2380 * 15 / 100"}),
        ("what is 12 * (3+4)?", EXPRESSION, {"expression": "12 * (3+4)"}),
        ("anything", schema(), {}),
        ("number 42", schema("id", id="integer"), {"id": 42}),
        ("since yesterday", schema("since", since="string"), {"since": "2026-11-22"}),
        (
            "read a.txt and b.txt",
            schema("paths", paths={"type": "array", "items": {"type": "string"}}),
            None,
        ),
    ],
)
def test_what_stands_in_the_question_becomes_an_argument(
    question: str, tool: dict[str, Any], arguments: dict[str, Any] | None
) -> None:
    filling = fill(question, tool, today=TODAY)
    if arguments is None:
        assert not filling.whole
    else:
        assert (filling.arguments, filling.missing) == (arguments, ())


@pytest.mark.parametrize(
    ("question", "tool", "missing"),
    [
        ("what time is it?", schema("timezone", timezone=ZONE), ("timezone",)),
        ("convert 9am to Tokyo", CONVERT, ("source_timezone",)),
        ("which pods crash?", PODS, ("namespace",)),
        ("list the open issues", REPOSITORY, ("owner", "repo")),
        ("lock the account of someone who left", schema("user_id", user_id="string"), ("user_id",)),
        ("which tables are in the database?", schema("name", name="string"), ("name",)),
        ("how many customers are in Germany?", SQL, ("query",)),
        ("between 1 and 2", schema("page", page="integer"), ("page",)),
        ("do it", schema("options", options="object"), ("options",)),
        ("do it", {"required": ["x"]}, ("x",)),
    ],
)
def test_what_is_not_there_stays_open(
    question: str, tool: dict[str, Any], missing: tuple[str, ...]
) -> None:
    assert fill(question, tool, today=TODAY).missing == missing


def test_a_default_that_the_description_states_is_used_for_want_of_another() -> None:
    tool = schema("timezone", timezone={"type": "string", "description": LOCAL})
    assert fill("What time is it?", tool, today=TODAY).arguments == {"timezone": "Asia/Tokyo"}
    assert fill("Time in Rome?", tool, today=TODAY).arguments == {"timezone": "Europe/Rome"}


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("run it with verbose output", {"verbose": True}),
        ("run it without verbose output", {"verbose": False}),
        ("run it", {}),
    ],
)
def test_flags_are_set_when_they_are_named(question: str, arguments: dict[str, Any]) -> None:
    assert fill(question, schema(verbose="boolean"), today=TODAY).arguments == arguments


def test_alternatives_with_null_are_read() -> None:
    tool = schema("city", city={"anyOf": [{"type": "null"}, {"type": "string"}]})
    assert fill("weather in Oslo", tool, today=TODAY).arguments == {"city": "Oslo"}


def test_the_words_that_became_arguments_are_explained() -> None:
    filling = fill("What time is it in Tel Aviv?", schema("tz", tz=ZONE), today=TODAY)
    assert {"tel", "aviv"} <= filling.explained
    assert "time" not in filling.explained


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"properties": None},
        {"properties": {"a": True}, "required": "a"},
        {"required": [1, "a"]},
    ],
)
def test_a_schema_of_any_shape_is_no_error(odd: dict[str, Any]) -> None:
    assert fill("anything", odd, today=TODAY).arguments == {}
