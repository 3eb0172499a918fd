"""Arguments of a call → the request that goes out, written as OpenAPI's styles say (RFC 6570).

Everything an argument holds is data: it can neither leave its place in the path, nor add a query
parameter or a header. What could only be meant to do so is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from registry.mcp.errors import BadArguments
from registry.openapi.media import FORM, is_json
from registry.openapi.operation import Body, Operation, Parameter

TARGET_LIMIT = 8_000
HEADER_LIMIT = 4_000
ACCEPT = "application/json, text/*;q=0.9, */*;q=0.5"

_VISIBLE = re.compile(r"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
# What may stand as it is where a parameter allows reserved characters; never what divides.
_RESERVED = ":/?@!$'()*,;"
_DIVIDERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}


@dataclass(frozen=True)
class Request:
    """One HTTP request to a service: `target` is path and query, in ASCII."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


def written(operation: Operation, arguments: Mapping[str, Any], *, base: str) -> Request:
    """The request for these arguments; `base` is the path under which the service lives.

    Raises `BadArguments` for what cannot be written without meaning something else.
    """
    _check_known(operation, arguments)
    given = {name: value for name, value in arguments.items() if value is not None}
    paths: dict[str, str] = {}
    query: list[str] = []
    headers = {"accept": ACCEPT}
    for parameter in operation.parameters:
        if parameter.argument not in given:
            continue
        value = _value(parameter, given[parameter.argument])
        if parameter.place == "path":
            paths[parameter.name] = _in_path(parameter, value)
        elif parameter.place == "query":
            query += _in_query(parameter, value)
        else:
            headers[parameter.name] = _in_header(parameter, value)
    content = b""
    if operation.body is not None and operation.body.argument in arguments:
        headers["content-type"] = operation.body.media
        content = _body(operation.body, arguments[operation.body.argument])
    target = base.rstrip("/") + _path(operation.path, paths)
    target += f"?{'&'.join(query)}" if query else ""
    if len(target) > TARGET_LIMIT:
        raise BadArguments(
            f"The arguments make an address of more than {TARGET_LIMIT:,} characters."
        )
    return Request(operation.method, target, headers, content)


def _check_known(operation: Operation, arguments: Mapping[str, Any]) -> None:
    known = {one.argument for one in operation.parameters}
    known |= {operation.body.argument} if operation.body else set()
    for name in arguments:
        if name not in known:
            raise _bad(f"{name[:60]}: there is no such argument")


def _value(parameter: Parameter, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if parameter.as_json else value


# --- The path -------------------------------------------------------------------------------------
def _path(template: str, values: Mapping[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise _bad(f"{match[1][:60]}: is missing")
        return values[match[1]]

    return _TEMPLATE.sub(fill, template)


def _in_path(parameter: Parameter, value: Any) -> str:
    name, explode = quote(parameter.name, safe=""), parameter.explode
    encoded = _encoded(value, parameter, _segment)
    if not encoded:
        raise _bad(f"{parameter.argument}: must not be empty")
    if parameter.style == "simple":
        return _joined(encoded, ",", explode=explode)
    if parameter.style == "label":
        return "." + _joined(encoded, "." if explode else ",", explode=explode)
    if isinstance(encoded, dict) and explode:
        return "".join(f";{key}={one}" for key, one in encoded.items())
    if isinstance(encoded, list) and explode:
        return "".join(f";{name}={one}" for one in encoded)
    return f";{name}=" + _joined(encoded, ",", explode=False)


def _segment(text: str, parameter: Parameter) -> str:
    """One value in a path: encoded, and nothing that a server could take for another path."""
    if not text:
        raise _bad(f"{parameter.argument}: must not be empty")
    # Some servers decode twice before they look.
    plain = unquote(unquote(text)).replace("\\", "/")
    if any(part in (".", "..") for part in plain.split("/")) or _CONTROL.search(plain):
        raise _bad(f"{parameter.argument}: holds what would lead to another path")
    return quote(text, safe="")


# --- The query ------------------------------------------------------------------------------------
def _in_query(parameter: Parameter, value: Any) -> list[str]:
    name = quote(parameter.name, safe="")
    if parameter.style == "deepObject" and isinstance(value, Mapping):
        return _deep(parameter, name, value)
    encoded = _encoded(value, parameter, _component)
    if isinstance(encoded, dict) and parameter.explode:
        return [f"{key}={one}" for key, one in encoded.items()]
    if isinstance(encoded, list) and parameter.explode:
        return [f"{name}={one}" for one in encoded]
    divider = _DIVIDERS.get(parameter.style, ",")
    return [f"{name}=" + _joined(encoded, divider, explode=False)]


def _deep(parameter: Parameter, name: str, value: Mapping[str, Any]) -> list[str]:
    found = []
    for key, one in value.items():
        for each in one if isinstance(one, list) else [one]:
            text = _component(_text(each, parameter), parameter)
            found.append(f"{name}%5B{quote(str(key), safe='')}%5D={text}")
    return found


def _component(text: str, parameter: Parameter) -> str:
    return quote(text, safe=_RESERVED if parameter.allow_reserved else "")


# --- Headers --------------------------------------------------------------------------------------
def _in_header(parameter: Parameter, value: Any) -> str:
    encoded = _encoded(value, parameter, lambda text, _: text)
    text = _joined(encoded, ",", explode=parameter.explode)
    if not _VISIBLE.fullmatch(text) or len(text) > HEADER_LIMIT:
        raise _bad(f"{parameter.argument}: holds characters that no header may hold")
    return text.strip()


# --- The body -------------------------------------------------------------------------------------
def _body(body: Body, value: Any) -> bytes:
    if is_json(body.media):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    if body.media == FORM:
        return "&".join(_form(body, value)).encode()
    if not isinstance(value, str):
        raise _bad(f"{body.argument}: must be text")
    return value.encode()


def _form(body: Body, value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        raise _bad(f"{body.argument}: must be an object")
    field_of = Parameter(body.argument, "", "query", "form", explode=True)
    found = []
    for key, one in value.items():
        for each in one if isinstance(one, list) else [one]:
            text = json.dumps(each) if isinstance(each, Mapping | list) else _text(each, field_of)
            found.append(f"{quote(str(key), safe='')}={quote(text, safe='')}")
    return found


# --- Values ---------------------------------------------------------------------------------------
def _encoded(value: Any, parameter: Parameter, encode: Any) -> str | list[str] | dict[str, str]:
    if isinstance(value, Mapping):
        pairs = {str(key): _text(one, parameter) for key, one in value.items()}
        return {encode(key, parameter): encode(one, parameter) for key, one in pairs.items()}
    if isinstance(value, list | tuple):
        return [encode(_text(one, parameter), parameter) for one in value]
    text: str = encode(_text(value, parameter), parameter)
    return text


def _joined(value: str | Sequence[str] | Mapping[str, str], divider: str, *, explode: bool) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        pair = "=" if explode else divider
        return divider.join(f"{key}{pair}{one}" for key, one in value.items())
    return divider.join(value)


def _text(value: Any, parameter: Parameter) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise _bad(f"{parameter.argument}: cannot be written as one value")


def _bad(message: str) -> BadArguments:
    return BadArguments(f"arguments.{message}")
