"""Arguments as requests: OpenAPI's styles, and values that try to be more than values."""

import json
from typing import Any

import pytest

from registry.mcp.errors import BadArguments
from registry.openapi.operation import Body, Operation, Parameter
from registry.openapi.requests import Request, written

LIST, OBJECT = ["blue", "black"], {"R": 100, "G": 200}
# The table of OpenAPI 3.1, "Style Examples", for every style that a place may have.
STYLES: list[tuple[str, str, bool, Any, str]] = [
    ("path", "simple", False, "blue", "blue"),
    ("path", "simple", False, LIST, "blue,black"),
    ("path", "simple", False, OBJECT, "R,100,G,200"),
    ("path", "simple", True, OBJECT, "R=100,G=200"),
    ("path", "label", False, "blue", ".blue"),
    ("path", "label", False, LIST, ".blue,black"),
    ("path", "label", True, LIST, ".blue.black"),
    ("path", "label", False, OBJECT, ".R,100,G,200"),
    ("path", "label", True, OBJECT, ".R=100.G=200"),
    ("path", "matrix", False, "blue", ";color=blue"),
    ("path", "matrix", False, LIST, ";color=blue,black"),
    ("path", "matrix", True, LIST, ";color=blue;color=black"),
    ("path", "matrix", False, OBJECT, ";color=R,100,G,200"),
    ("path", "matrix", True, OBJECT, ";R=100;G=200"),
    ("query", "form", True, "", "color="),
    ("query", "form", True, True, "color=true"),
    ("query", "form", True, 1.5, "color=1.5"),
    ("query", "form", False, LIST, "color=blue,black"),
    ("query", "form", True, LIST, "color=blue&color=black"),
    ("query", "form", True, [], ""),
    ("query", "form", False, OBJECT, "color=R,100,G,200"),
    ("query", "form", True, OBJECT, "R=100&G=200"),
    ("query", "spaceDelimited", False, LIST, "color=blue%20black"),
    ("query", "pipeDelimited", False, LIST, "color=blue%7Cblack"),
    ("query", "deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200"),
    ("query", "deepObject", True, {"R": [1, 2]}, "color%5BR%5D=1&color%5BR%5D=2"),
    ("header", "simple", False, "blue", "blue"),
    ("header", "simple", False, LIST, "blue,black"),
    ("header", "simple", False, OBJECT, "R,100,G,200"),
    ("header", "simple", True, OBJECT, "R=100,G=200"),
]


def parameter(place: str, **changes: Any) -> Parameter:
    style = {"path": "simple", "query": "form", "header": "simple"}[place]
    given = {"argument": "color", "name": "color", "style": style, "explode": style == "form"}
    return Parameter(**{**given, "place": place, **changes})


def operation(*parameters: Parameter, body: Body | None = None, method: str = "GET") -> Operation:
    path = "/x/{color}" if any(one.place == "path" for one in parameters) else "/x"
    return Operation(method, path, parameters, body)


def said(request: Request, place: str) -> str:
    if place == "header":
        return request.headers["color"]
    if place == "path":
        return request.target.removeprefix("/v1/x/")
    return request.target.removeprefix("/v1/x").removeprefix("?")


def test_each_style_is_written_as_the_specification_has_it():
    found = []
    for place, style, explode, value, _ in STYLES:
        called = operation(parameter(place, style=style, explode=explode))
        found.append(said(written(called, {"color": value}, base="/v1"), place))
    assert found == [expected for *_, expected in STYLES]


def test_what_was_not_given_is_not_written():
    called = operation(parameter("query"), parameter("header", argument="h", name="h"))
    request = written(called, {"color": None}, base="/v1/")
    assert (request.target, sorted(request.headers)) == ("/v1/x", ["accept"])


def test_a_value_stays_where_it_is():
    """Nothing in a value divides anything, also where reserved characters may stand."""
    sly = "a&admin=1#x?y=z/ü\r\nX: 1"
    encoded = "a%26admin%3D1%23x%3Fy%3Dz%2F%C3%BC%0D%0AX%3A%201"
    assert said(written(operation(parameter("query")), {"color": sly}, base=""), "query") == (
        f"/x?color={encoded}"
    )
    loose = written(
        operation(parameter("query", allow_reserved=True)), {"color": "a/b?c&d=e#f"}, base="/v1"
    )
    assert said(loose, "query") == "color=a/b?c%26d%3De%23f"
    keys = written(operation(parameter("query")), {"color": {"a&b=": "c"}}, base="/v1")
    assert said(keys, "query") == "a%26b%3D=c"
    assert said(written(operation(parameter("path")), {"color": "a/b"}, base="/v1"), "path") == (
        "a%2Fb"
    )


LEADING_ELSEWHERE = [
    "..",
    ".",
    "../admin",
    "..\\admin",
    "a/../../admin",
    "%2e%2e",
    "%2e%2e%2fadmin",
    "%252e%252e",
    "a/%2E./b",
    "",
    "a\r\nHost: b",
    "a\x00",
]


def test_no_value_leads_to_another_path():
    for value in [*LEADING_ELSEWHERE, ["a", ".."], {"a": ".."}, {"..": "a"}, [], {}]:
        for style in ("simple", "label", "matrix"):
            with pytest.raises(BadArguments) as caught:
                written(operation(parameter("path", style=style)), {"color": value}, base="/v1")
            assert caught.value.executed == "no"


def test_no_value_adds_a_header():
    for value in ("a\r\nX-Admin: 1", "a\nb", "a\x00", "ü", ["a", "b\r"], "x" * 5_000):
        with pytest.raises(BadArguments):
            written(operation(parameter("header")), {"color": value}, base="/v1")


def test_what_cannot_be_written_is_refused_by_name():
    called = operation(parameter("path"), parameter("query", argument="q", name="q"))
    for arguments, message in (
        ({}, "arguments.color: is missing"),
        ({"color": "a", "other": 1}, "arguments.other: there is no such argument"),
        ({"color": "a", "q": [{"b": 1}]}, "arguments.q: cannot be written as one value"),
        ({"color": "a", "q": "x" * 9_000}, "The arguments make an address"),
    ):
        with pytest.raises(BadArguments) as caught:
            written(called, arguments, base="/v1")
        assert caught.value.message.startswith(message)


def test_a_parameter_of_json_is_written_as_json():
    called = operation(parameter("query", as_json=True))
    request = written(called, {"color": {"a": [1]}}, base="/v1")
    assert said(request, "query") == "color=%7B%22a%22%3A%20%5B1%5D%7D"


BODIES: list[tuple[str, Any, bytes]] = [
    ("application/json", {"a": ["ü"], "b": None}, '{"a":["ü"],"b":null}'.encode()),
    ("application/merge-patch+json", [1], b"[1]"),
    ("application/json", None, b"null"),
    (
        "application/x-www-form-urlencoded",
        {"a b": "c&d", "e": [1, True], "f": {"g": 1}},
        b"a%20b=c%26d&e=1&e=true&f=%7B%22g%22%3A%201%7D",
    ),
    ("text/plain", "hello", b"hello"),
]


def test_a_body_is_written_as_its_media_type():
    for media, value, content in BODIES:
        called = operation(body=Body("body", media), method="POST")
        request = written(called, {"body": value}, base="/v1")
        assert (request.content, request.headers["content-type"]) == (content, media)
    for media, value in (("text/plain", 1), ("application/x-www-form-urlencoded", "a")):
        with pytest.raises(BadArguments):
            written(operation(body=Body("body", media)), {"body": value}, base="/v1")


def test_a_body_that_was_not_given_is_none():
    called = operation(body=Body("body", "application/json"), method="POST")
    request = written(called, {}, base="/v1")
    assert (request.content, "content-type" in request.headers) == (b"", False)


def test_an_operation_in_a_tool_is_read_as_it_was_written():
    whole = operation(parameter("path"), body=Body("body", "application/json"), method="PUT")
    tool = {"_meta": {"omni2/operation": json.loads(json.dumps(whole.as_meta()))}}
    assert Operation.of(tool) == whole


def test_what_is_no_operation_of_ours_is_none():
    good = operation().as_meta()
    for meta in (
        None,
        {},
        {**good, "method": "TRACE"},
        {**good, "path": "/a/../b"},
        {**good, "path": "/a/%2e%2E/b"},
        {**good, "path": "a"},
        {**good, "path": "/a\r\nb"},
        {**good, "path": "/a?b"},
        {**good, "parameters": [{"name": "x"}]},
        {**good, "body": {"x": 1}},
    ):
        assert Operation.of({"_meta": {"omni2/operation": meta}}) is None
    assert Operation.of({}) is None
