"""The answer of a service → the result of a tool, as an MCP server would give it.

What the service says to this call, also that it cannot be done, is a result: whoever called can
read it. What it says to the gateway (who are you, too often, out of order) is an error.
"""

import base64
from typing import Any

from registry.mcp import parsing
from registry.mcp.errors import BadAnswer, HttpRefused
from registry.mcp.plain import Answer
from registry.openapi.media import is_json

ERROR_LENGTH = 8_000
MEDIA_LIMIT = 1024 * 1024
# No word about the call itself: authentication, too many requests, and servers that are not there.
_ABOUT_US = frozenset({401, 407, 429, 502, 503, 504})

Result = dict[str, Any]


async def result_of(answer: Answer) -> Result:
    """The tool's result. Raises `HttpRefused`, and `BadAnswer` for JSON that is none."""
    if answer.status in _ABOUT_US or answer.status < 200:
        raise refused(answer)
    if 300 <= answer.status < 400:
        where = f" to {answer.location[:ERROR_LENGTH]}" if answer.location else ""
        said = f"HTTP {answer.status}: the service redirects{where}, which is not followed."
        return {**_result(said), "structuredContent": {"status": answer.status}, "isError": True}
    if answer.status >= 400:
        return await _failure(answer)
    if not answer.body:
        return _result(f"HTTP {answer.status}, without content.")
    if is_json(answer.kind):
        value = await parsing.parse_aside(answer.body)
        structured = value if isinstance(value, dict) else {"result": value}
        return {**_result(_decoded(answer.body)), "structuredContent": structured}
    return _other(answer)


def refused(answer: Answer) -> HttpRefused:
    """The error for an answer that is no word about the call."""
    return HttpRefused(
        f"The server answered HTTP {answer.status}.",
        status=answer.status,
        www_authenticate=answer.www_authenticate,
        detail=parsing.excerpt(answer.body),
    )


async def _failure(answer: Answer) -> Result:
    text = _decoded(answer.body)[:ERROR_LENGTH]
    said = f"HTTP {answer.status}: {text}" if text.strip() else f"HTTP {answer.status}"
    structured: Result = {"status": answer.status}
    if is_json(answer.kind):
        try:
            structured["error"] = await parsing.parse_aside(answer.body)
        except BadAnswer:
            structured["error"] = text
    return {**_result(said), "structuredContent": structured, "isError": True}


def _other(answer: Answer) -> Result:
    """Text as text, pictures and sounds as such; of other bytes that they are there."""
    family = answer.kind.partition("/")[0]
    if family in ("image", "audio") and len(answer.body) <= MEDIA_LIMIT:
        data = base64.b64encode(answer.body).decode()
        content = {"type": family, "data": data, "mimeType": answer.kind}
        return {"content": [content], "isError": False}
    try:
        return _result(answer.body.decode())
    except UnicodeDecodeError:
        kind = answer.kind or "an unnamed type"
        return _result(f"{len(answer.body):,} bytes of {kind}, which are not shown.")


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _result(text: str) -> Result:
    return {"content": [{"type": "text", "text": text}], "isError": False}
