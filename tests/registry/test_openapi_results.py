"""Answers of a service as results of a tool."""

import asyncio
import base64
from typing import Any

import pytest

from registry.mcp.errors import BadAnswer, HttpRefused
from registry.mcp.plain import Answer
from registry.openapi.results import result_of


def result(status: int, kind: str = "", body: bytes = b"", **more: str) -> Any:
    return asyncio.run(result_of(Answer(status, kind, body, **more)))


def text(text: str, **more: Any) -> Any:
    return {"content": [{"type": "text", "text": text}], "isError": False, **more}


JSON = "application/json"


def test_each_answer_becomes_a_result():
    assert [
        result(200, JSON, b'{"a": 1}'),
        result(201, "application/hal+json", b"[1]"),
        result(204),
        result(200, "text/plain", "grüß".encode()),
        result(200, "application/pdf", b"%PDF\xff"),
        result(200, "image/png", b"\x89PNG"),
    ] == [
        text('{"a": 1}', structuredContent={"a": 1}),
        text("[1]", structuredContent={"result": [1]}),
        text("HTTP 204, without content."),
        text("grüß"),
        text("5 bytes of application/pdf, which are not shown."),
        {
            "content": [
                {
                    "type": "image",
                    "data": base64.b64encode(b"\x89PNG").decode(),
                    "mimeType": "image/png",
                }
            ],
            "isError": False,
        },
    ]


def test_a_no_of_the_service_is_a_failed_result_with_its_status():
    assert [
        result(404, JSON, b'{"detail": "no such order"}'),
        result(500, "text/plain", b"broken"),
        result(422, JSON, b"{nonsense"),
        result(409),
        result(303, location="/elsewhere"),
    ] == [
        text(
            'HTTP 404: {"detail": "no such order"}',
            structuredContent={"status": 404, "error": {"detail": "no such order"}},
            isError=True,
        ),
        text("HTTP 500: broken", structuredContent={"status": 500}, isError=True),
        text(
            "HTTP 422: {nonsense",
            structuredContent={"status": 422, "error": "{nonsense"},
            isError=True,
        ),
        text("HTTP 409", structuredContent={"status": 409}, isError=True),
        text(
            "HTTP 303: the service redirects to /elsewhere, which is not followed.",
            structuredContent={"status": 303},
            isError=True,
        ),
    ]


def test_what_is_said_to_the_gateway_is_an_error():
    for status, executed in (
        (401, "no"),
        (407, "no"),
        (429, "no"),
        (502, "unknown"),
        (503, "unknown"),
    ):
        with pytest.raises(HttpRefused) as caught:
            result(status, "text/html", b"<b>why</b>", www_authenticate="Bearer")
        assert (caught.value.status, caught.value.executed) == (status, executed)
        assert (caught.value.detail, caught.value.www_authenticate) == ("why", "Bearer")


def test_a_success_that_should_be_json_and_is_not_is_a_bad_answer():
    for body in (b"{nonsense", b'{"a": NaN}', b"[" * 100, b'{"a": 1, "a": 2}'):
        with pytest.raises(BadAnswer):
            result(200, JSON, body)
