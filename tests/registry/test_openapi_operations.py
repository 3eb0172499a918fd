"""Documents as tools: names, arguments, hints; what cannot be called, and why."""

import json
import time
from typing import Any

import pytest

from registry.offers import Offer
from registry.openapi.document import Document
from registry.openapi.errors import UnusableDocument
from registry.openapi.operations import tools_of
from registry.schemas import validate

BASE = "https://api.example.com/v1"


def document(paths: Any, *, version: str = "3.1.0", **parts: Any) -> Document:
    whole = {"openapi": version, "info": {"title": "Orders", "version": "1"}, "paths": paths}
    return Document(json.dumps({**whole, **parts}).encode())


def tools(paths: Any, **parts: Any) -> dict[str, Any]:
    """The tools by name, each as the registry will take it."""
    found = {tool["name"]: tool for tool in tools_of(document(paths, **parts), base_url=BASE)}
    assert [Offer.of(tool).flaw for tool in found.values() if not flaw(tool)] == [
        "" for tool in found.values() if not flaw(tool)
    ]
    return found


def one(operation: Any, *, path: str = "/x", method: str = "get", **parts: Any) -> Any:
    return next(iter(tools({path: {method: operation}}, **parts).values()))


def flaw(tool: Any) -> str:
    return str(tool["_meta"].get("omni2/flaw", ""))


def query(name: str, **changes: Any) -> Any:
    return {"name": name, "in": "query", "schema": {"type": "string"}, **changes}


def test_an_operation_becomes_a_tool():
    tool = one(
        {
            "operationId": "getOrder",
            "summary": "One order",
            "description": "Everything about one order.",
            "deprecated": True,
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "description": "Its number.",
                    "schema": {"type": "integer"},
                },
                query("fields", style="form", explode=False),
                {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
            ],
        },
        path="/orders/{id}",
    )
    assert tool == {
        "name": "getOrder",
        "title": "One order",
        "description": "Everything about one order.\nDeprecated.",
        "annotations": {"readOnlyHint": True},
        "inputSchema": {
            "type": "object",
            "properties": {
                "id": {"type": "integer", "description": "Its number."},
                "fields": {"type": "string"},
                "X-Trace": {"type": "string"},
            },
            "required": ["id"],
            "additionalProperties": False,
        },
        "_meta": {
            "omni2/operation": {
                "method": "GET",
                "path": "/orders/{id}",
                "parameters": [
                    _parameter("id", "path", "simple"),
                    _parameter("fields", "query", "form"),
                    _parameter("X-Trace", "header", "simple"),
                ],
                "body": None,
            }
        },
    }


def _parameter(name: str, place: str, style: str) -> dict[str, Any]:
    plain = {"explode": False, "allow_reserved": False, "as_json": False}
    return {"argument": name, "name": name, "place": place, "style": style, **plain}


def test_a_method_says_what_a_call_does():
    found = tools({"/x": {method: {} for method in ("get", "head", "put", "post", "patch")}})
    found |= tools({"/x/{id}": {"delete": {"parameters": [{"name": "id", "in": "path"}]}}})
    writes = {"readOnlyHint": False}
    twice = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True}
    assert {name: tool["annotations"] for name, tool in found.items()} == {
        "get_x": {"readOnlyHint": True},
        "head_x": {"readOnlyHint": True},
        "put_x": twice,
        "post_x": writes,
        "patch_x": writes,
        "delete_x_by_id": twice,
    }
    assert tools({"/x": {"trace": {}, "options": {}, "get": []}}) == {}


def test_names_are_what_tools_may_be_called():
    found = tools({"/a": {"get": {"operationId": "find pets!"}}, "/{b}/c": {"get": {}}})
    assert list(found) == ["find_pets", "get_by_b_c"]


def test_a_name_of_which_nothing_is_left_is_that_of_method_and_path():
    found = tools({"/a/b": {"get": {"operationId": "日本語"}, "put": {"operationId": "__"}}})
    assert [*found] == ["get_a_b", "put_a_b"]
    assert [flaw(tool) for tool in found.values()] == ["", ""]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_what_only_the_service_says_is_left_out_also_behind_references(version: str):
    schemas = {
        "Number": {"type": "integer", "readOnly": True},
        "Other": {"$ref": "#/components/schemas/Number"},
        "Name": {"type": "string"},
        "Body": {
            "type": "object",
            "required": ["id", "other", "name", "plain"],
            "properties": {
                "id": {"$ref": "#/components/schemas/Number"},
                "other": {"$ref": "#/components/schemas/Other"},
                "name": {"$ref": "#/components/schemas/Name"},
                "plain": {"type": "string", "readOnly": True},
            },
        },
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}
    operation = {"requestBody": {"required": True, "content": content}}
    tool = one(operation, method="post", version=version, components={"schemas": schemas})
    body = tool["inputSchema"]["$defs"]["Body"]
    assert (body["required"], [*body["properties"]]) == (["name"], ["name"])
    assert validate(tool["inputSchema"], {"body": {"name": "Ann"}}) == []


def test_a_path_that_leads_nowhere_is_listed_with_its_reason():
    found = tools(
        {
            "/loop": {"$ref": "#/paths/~1loop"},
            "/gone": {"$ref": "#/paths/~1nothing", "get": {}},
            "/far": {"$ref": "https://attacker.example/x.json"},
            "/": {"$ref": 7},
            "orders": {"get": {}, "post": {}},
            "x-notes": {"get": {}},
            "/probe": {"options": {}, "trace": {}},
        }
    )
    assert {name: flaw(tool) for name, tool in found.items()} == {
        "loop": "its path refers on and on",
        "gone": "it refers to '#/paths/~1nothing', which is not there",
        "get_gone": "",
        "far": "it refers to 'https://attacker.example/x.json', which is outside the document",
        "path": "it refers to 7, which is outside the document",
        "get_orders": "its path does not begin with a slash",
        "post_orders": "its path does not begin with a slash",
    }


def test_parameters_of_the_path_count_and_the_operation_has_the_last_word():
    item = {
        "parameters": [query("a"), query("b", required=True)],
        "get": {"parameters": [query("b", schema={"type": "integer"})]},
    }
    schema = tools({"/x": item})["get_x"]["inputSchema"]
    assert (schema["properties"], schema["required"]) == (
        {"a": {"type": "string"}, "b": {"type": "integer"}},
        [],
    )


def test_arguments_of_one_name_are_kept_apart():
    tool = one(
        {
            "parameters": [{"name": "id", "in": "path"}, query("id"), query("a[b]"), query("body")],
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        },
        path="/{id}",
        method="post",
    )
    called = tool["_meta"]["omni2/operation"]
    assert list(tool["inputSchema"]["properties"]) == [
        "id",
        "id_query",
        "a_b_",
        "body",
        "body_request",
    ]
    assert [(each["argument"], each["name"]) for each in called["parameters"]] == [
        ("id", "id"),
        ("id_query", "id"),
        ("a_b_", "a[b]"),
        ("body", "body"),
    ]
    assert called["body"] == {"argument": "body_request", "media": "application/json"}


# --- Bodies and schemas ---------------------------------------------------------------------------
ORDER = {
    "type": "object",
    "required": ["id", "lines"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        "parent": {"$ref": "#/components/schemas/Order"},
        "note": {"type": "string", "nullable": True, "example": "x"},
        "share": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1},
    },
    "xml": {"name": "order"},
}
COMPONENTS = {
    "schemas": {"Order": ORDER, "Line": {"type": "object", "x-kind": "y"}},
    "requestBodies": {
        "Order": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
        }
    },
    "parameters": {"Page": query("page")},
}


def test_references_are_followed_also_round_in_a_circle():
    operation = {
        "parameters": [{"$ref": "#/components/parameters/Page"}],
        "requestBody": {"$ref": "#/components/requestBodies/Order"},
    }
    tool = one(operation, method="post", version="3.0.3", components=COMPONENTS)

    assert tool["inputSchema"] == {
        "type": "object",
        "properties": {"page": {"type": "string"}, "body": {"$ref": "#/$defs/Order"}},
        "required": ["body"],
        "additionalProperties": False,
        "$defs": {
            "Line": {"type": "object"},
            "Order": {
                "type": "object",
                "required": ["lines"],
                "properties": {
                    "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
                    "parent": {"$ref": "#/$defs/Order"},
                    "note": {"type": ["string", "null"]},
                    "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                },
            },
        },
    }
    order = {"lines": [{}], "note": None, "parent": {"lines": []}}
    assert validate(tool["inputSchema"], {"body": order}) == []
    assert validate(tool["inputSchema"], {"body": {"lines": [], "share": 0}}) != []
    assert validate(tool["inputSchema"], {"body": order, "other": 1}) != []


def test_a_reference_to_any_place_gets_a_name_of_its_own():
    schemas = {"A": {"type": "string"}, "x": {"A": {"type": "integer"}}}
    parameters = [
        query("a", schema={"$ref": "#/components/schemas/A"}),
        query("b", schema={"$ref": "#/components/schemas/x/A"}),
        query("c", schema={"$ref": "#/components/schemas/A", "description": "Words."}),
    ]
    schema = one({"parameters": parameters}, components={"schemas": schemas})["inputSchema"]
    assert schema["$defs"] == {"A": {"type": "string"}, "x_A": {"type": "integer"}}
    assert schema["properties"]["c"] == {"$ref": "#/$defs/A", "description": "Words."}


def test_the_best_media_type_is_written():
    def media(*kinds: str) -> Any:
        body = {"content": {kind: {} for kind in kinds}}
        return one({"requestBody": body}, method="post")["_meta"]["omni2/operation"]["body"]

    form = "application/x-www-form-urlencoded"
    assert media("text/plain", form, "application/vnd.a+json; v=1")["media"] == (
        "application/vnd.a+json"
    )
    assert (media("text/plain", form)["media"], media("*/*")["media"]) == (form, "application/json")
    assert media("multipart/form-data") is None


def test_headers_that_are_not_a_callers_to_say_are_left_out():
    names = ("Accept", "Authorization", "Cookie", "Host", "X-Forwarded-For", "a\r\nb", "X-Fine")
    parameters = [{"name": name, "in": "header"} for name in names]
    tool = one({"parameters": [*parameters, {"name": "session", "in": "cookie"}]})
    assert list(tool["inputSchema"]["properties"]) == ["X-Fine"]


# --- What cannot be called ------------------------------------------------------------------------
def test_what_cannot_be_called_is_listed_with_its_reason():
    def required(name: str, place: str, **changes: Any) -> Any:
        return {"parameters": [{"name": name, "in": place, "required": True, **changes}]}

    upload = {"required": True, "content": {"multipart/form-data": {}}}
    outside = {"$ref": "https://attacker.example/x.json"}
    cases: list[tuple[str, Any, str]] = [
        ("/a", required("Cookie", "header"), "it wants the header 'Cookie', which no caller may"),
        ("/a", required("sid", "cookie"), "it wants the cookie 'sid', which is not sent"),
        ("/a", required("q", "query", style="odd"), "its parameter 'q' has the style 'odd'"),
        ("/a", {"requestBody": upload}, "it wants a body of multipart/form-data"),
        ("/{a}", {}, "its path has {a}, which nothing fills"),
        ("/a/../b", {}, "its path cannot be written as it is"),
        ("/a/%2e%2e/b", {}, "its path cannot be written as it is"),
        ("/a?b=c", {}, "its path cannot be written as it is"),
        ("/a b", {}, "its path cannot be written as it is"),
        ("/a", {"parameters": [outside]}, "it refers to 'https://attacker.example/x.json', whi"),
        ("/a", required("q", "query", schema=outside), "it refers to 'https://attacker.example"),
        ("/a", required("q", "query", schema={"$ref": "#/no"}), "it refers to '#/no', which is"),
        ("/a", required("q", "query", schema={"$ref": "other.yaml#/x"}), "it refers to 'other"),
        ("/a", required("q", "query", schema={"$ref": 7}), "it refers to 7"),
        ("/a", required("q", "query", schema="x"), "one of its schemas is no object"),
        ("/a", {"parameters": [{"$ref": "#/paths/~1a/post/parameters/0"}]}, "a parameter refers"),
        ("/a", {"servers": [{"url": "https://attacker.example"}]}, "its calls would go to https:"),
        ("/a", {"servers": [{"url": "https://api.example.com/v2"}]}, "its calls would go to htt"),
        ("/a", {"servers": [{}]}, "its calls would go to ?"),
    ]
    for path, operation, reason in cases:
        tool = one(operation, path=path, method="post")
        assert flaw(tool)[: len(reason)] == reason[: len(flaw(tool))]
        assert Offer.of(tool).flaw == flaw(tool) != ""


def test_servers_of_its_own_that_are_the_registered_one_are_fine():
    same = {"servers": [{"url": "https://{host}/v1/", "variables": {"host": {"default": "x"}}}]}
    assert flaw(one(same)) != ""
    same["servers"][0]["variables"]["host"]["default"] = "API.example.com:443"  # type: ignore[index]
    assert flaw(one(same)) == ""


def test_hostile_schemas_end_soon_and_spoil_only_their_own_tool():
    wide = {f"p{number}": {"type": "string"} for number in range(30_000)}
    chain = {
        f"S{number}": {"properties": {"next": {"$ref": f"#/components/schemas/S{number + 1}"}}}
        for number in range(1_000)
    }
    chain["S1000"] = {}
    schemas = {**chain, "Wide": {"properties": wide}, "Long": {"enum": ["x" * 100_000]}}
    hostile = [{"$ref": f"#/components/schemas/{name}"} for name in ("S0", "Wide", "Long")]
    paths = {
        f"/h{number}": {"get": {"parameters": [query("q", schema=schema)]}}
        for number, schema in enumerate([*hostile * 40, {"properties": wide}])
    }
    started = time.monotonic()
    found = tools({**paths, "/fine": {"get": {}}}, components={"schemas": schemas})

    assert time.monotonic() - started < 5
    assert {flaw(tool) for name, tool in found.items() if name != "get_fine"} == {
        "its schemas are too large to be checked"
    }
    assert flaw(found["get_fine"]) == ""


def test_what_is_no_document_is_refused():
    for data, message in (
        (b"[]", "it is no OpenAPI document"),
        (b"hello", "it is no OpenAPI document"),
        (b'{"swagger": "2.0"}', "it is Swagger 2: convert it to OpenAPI 3"),
        (b'{"openapi": "4.0.0"}', "its version is '4.0.0', not 3.0 or 3.1"),
        (b'{"openapi": "3.1.0", "paths": []}', "its paths are no object"),
    ):
        with pytest.raises(UnusableDocument) as caught:
            Document(data)
        assert str(caught.value) == message


def test_where_the_service_is():
    def base(url: Any, at: str = "https://docs.example.com/a/openapi.json") -> str:
        return document({}, servers=[{"url": url}]).base_url(at)

    assert [
        base("https://x.example/v1/"),
        base("/v2"),
        base("."),
        base("//y.example"),
        base(7),
    ] == [
        "https://x.example/v1",
        "https://docs.example.com/v2",
        "https://docs.example.com/a",
        "https://y.example",
        "https://docs.example.com",
    ]
    assert document({}).base_url("https://docs.example.com/a/openapi.json") == (
        "https://docs.example.com"
    )
