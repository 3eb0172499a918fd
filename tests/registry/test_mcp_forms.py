"""Forms that their own defaults fill in, and those that only a person can."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from registry.mcp import forms
from registry.mcp.behalf import Behalf
from registry.mcp.client import Connections
from registry.mcp.errors import InputRequired, Rejected
from tests.fakes import changing_server
from tests.fakes.changing_server import Changing


def form(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


FULL = form(
    "name",
    name={"type": "string", "default": "John"},
    age={"type": "integer", "default": 30},
    score={"type": "number", "default": 95.5},
    sure={"type": "boolean", "default": True},
    tags={"type": "array", "default": ["a"]},
    note={"type": "string"},
)
SAID = {"name": "John", "age": 30, "score": 95.5, "sure": True, "tags": ["a"]}
OPEN = form("name", name={"type": "string"}, age={"type": "integer", "default": 30})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (FULL, SAID),
        (OPEN, {"age": 30}),
        (form(age={"type": "integer", "default": "thirty"}), {}),
        (form(age={"type": "integer", "default": True}), {}),
        (form(sure={"type": "boolean", "default": 1}), {}),
        (form(odd={"type": ["string"], "default": "x"}, other="text"), {}),
        ({"properties": []}, {}),
        (None, {}),
    ],
)
def test_a_default_counts_where_it_is_of_its_fields_type(schema: Any, said: Any) -> None:
    assert forms.defaults_of(schema) == said


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ({"requestedSchema": FULL}, {"action": "accept", "content": SAID}),
        ({"mode": "form", "requestedSchema": FULL}, {"action": "accept", "content": SAID}),
        ({"mode": "url", "url": "https://x.example", "requestedSchema": FULL}, None),
        ({"requestedSchema": OPEN}, None),
        ({"requestedSchema": form()}, None),
        ({}, None),
        ("text", None),
    ],
)
def test_a_form_is_answered_where_its_defaults_say_all_it_needs(params: Any, answer: Any) -> None:
    assert forms.by_defaults(params) == (answer or {"action": "decline"})


def test_all_that_a_tool_asks_is_answered_or_nothing() -> None:
    good = {"method": forms.ELICITATION, "params": {"requestedSchema": FULL}}
    asks = {"open": good | {"params": {"requestedSchema": OPEN}}, "roots": {"method": "roots/list"}}
    assert forms.answers({"a": good}) == {"a": {"action": "accept", "content": SAID}}
    assert [forms.answers({"a": good, "b": one}) for one in asks.values()] == [None, None]
    assert [forms.answers(one) for one in ({}, None, {"a": "text"})] == [None, None, None]


@pytest.mark.parametrize(
    ("answer", "filled"),
    [
        ({"action": "accept", "content": {"age": 7}}, {"age": 7, "name": "John"}),
        ({"action": "accept"}, {"age": 30, "name": "John"}),
        ({"action": "accept", "content": {"age": None}}, {"age": None, "name": "John"}),
        ({"action": "decline", "content": {}}, {}),
    ],
)
def test_a_persons_answer_goes_before_the_default(answer: Any, filled: Any) -> None:
    assert forms.filled(answer, {"age": 30, "name": "John"})["content"] == filled


@pytest.fixture(scope="module", params=["both", "2025"])
def asking(request: pytest.FixtureRequest) -> Iterator[Changing]:
    with changing_server.serve(generation=request.param) as running:
        yield running


@pytest.mark.parametrize("tool", ["ask", "ask_alone"])
def test_a_tool_is_answered_in_both_generations_wherever_it_asks(
    client: Connections, asking: Changing, tool: str
) -> None:
    asking.form = FULL
    endpoint = asking.endpoint(answers_forms=True)
    said = client.call_tool(endpoint, tool, {})["content"][0]["text"]
    assert json.loads(said) == ["accept", SAID]


def test_a_form_without_defaults_is_not_accepted(client: Connections, asking: Changing) -> None:
    asking.form = OPEN
    endpoint = asking.endpoint(answers_forms=True)
    try:
        said = json.loads(client.call_tool(endpoint, "ask", {})["content"][0]["text"])
    except InputRequired:
        said = ["decline", None]
    assert said == ["decline", None]


def test_no_form_is_answered_where_nobody_said_so(client: Connections, asking: Changing) -> None:
    asking.form = FULL
    with pytest.raises((InputRequired, Rejected)):
        client.call_tool(asking.endpoint(), "ask", {})


def test_whoever_can_be_asked_is_asked(client: Connections) -> None:
    with changing_server.serve() as asking:
        asking.form = FULL
        behalf = Behalf(capabilities={"elicitation": {}})
        endpoint = asking.endpoint(answers_forms=True)
        result = client.call_tool(endpoint, "ask", {}, behalf=behalf)
    assert result["resultType"] == "input_required"
