"""The operations of a document → tools, as an MCP server would list them.

An operation that cannot be called is listed too, with the reason: people should see it missing.
"""

import re
from collections.abc import Mapping
from typing import Any

from registry.openapi.document import Document, Found, Part, same_place, server_urls
from registry.openapi.errors import UnusableOperation
from registry.openapi.media import JSON, best_for_writing, is_json, kind_of
from registry.openapi.operation import FLAW, META, Body, Operation, Parameter, is_path
from registry.openapi.schemas import Argument, Schemas

NAME_LENGTH = 128
ARGUMENT_LENGTH = 64
DESCRIPTION_LENGTH = 8_000

# What models take as the name of an argument.
_ARGUMENT = re.compile(r"[^A-Za-z0-9_.-]")
_TOOL = re.compile(r"[^A-Za-z0-9_.:/@+~-]+")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
}
# Said by other means (OpenAPI 3.1, "Parameter Object"), so not parameters at all.
_UNSAID = frozenset({"accept", "content-type", "authorization"})
# About the connection, or about who calls: never for a caller to say.
_REFUSED = re.compile(
    r"host|cookie2?|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive"
    r"|accept-encoding|proxy-.*|forwarded|x-forwarded-.*|x-real-ip|via|mcp-.*|x-http-method.*"
    r"|x-method-override"
)
HINTS: Mapping[str, Mapping[str, bool]] = {
    "GET": {"readOnlyHint": True},
    "HEAD": {"readOnlyHint": True},
    "PUT": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True},
    "DELETE": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True},
    # Nothing is known of what these do, which counts as the worst.
    "POST": {"readOnlyHint": False},
    "PATCH": {"readOnlyHint": False},
}


def tools_of(document: Document, *, base_url: str, document_url: str = "") -> list[Part]:
    """The tools of the service at `base_url`; how each is called stands in its `_meta`."""
    schemas = Schemas(document)
    return [
        _tool(found, document, schemas, elsewhere=_elsewhere(found, base_url, document_url))
        for found in document.operations()
    ]


def _tool(found: Found, document: Document, schemas: Schemas, *, elsewhere: str) -> Part:
    tool = {
        "name": _name(found),
        "description": _description(found),
        "annotations": dict(HINTS.get(found.method, {})),
    }
    title = found.operation.get("summary")
    if isinstance(title, str) and title.strip():
        tool["title"] = title.strip()[:255]
    try:
        if found.flaw:
            raise UnusableOperation(found.flaw)
        if elsewhere:
            raise UnusableOperation(f"its calls would go to {elsewhere[:200]}")
        call = _Call(found, document)
        tool["inputSchema"] = schemas.whole(call.arguments)
        tool["_meta"] = {META: call.operation().as_meta()}
    except UnusableOperation as error:
        tool["inputSchema"] = {"type": "object"}
        tool["_meta"] = {FLAW: str(error)}
    return tool


class _Call:
    """The arguments of one operation while they are gathered."""

    def __init__(self, found: Found, document: Document) -> None:
        self._found, self._document = found, document
        self.arguments: dict[str, Argument] = {}
        self._parameters = [
            parameter
            for part in self._declared()
            if (parameter := self._parameter(part)) is not None
        ]
        self._check_template()
        self._body = self._read_body()

    def operation(self) -> Operation:
        found = self._found
        return Operation(found.method, found.path, tuple(self._parameters), self._body)

    def _declared(self) -> list[Part]:
        """The parameters of the path and of the operation, which has the last word."""
        declared: dict[tuple[str, str], Part] = {}
        for place in (self._found.item, self._found.operation):
            parameters = place.get("parameters", [])
            for part in parameters if isinstance(parameters, list) else []:
                whole = self._document.resolved(part, "a parameter")
                declared[str(whole.get("in")), str(whole.get("name"))] = whole
        return list(declared.values())

    def _parameter(self, part: Part) -> Parameter | None:
        name, place = str(part.get("name")), str(part.get("in"))
        is_needed = part.get("required") is True or place == "path"
        if place == "header" and name.lower() in _UNSAID:
            return None
        if place == "path" and name not in _TEMPLATE.findall(self._found.path):
            return None
        if why := _refusal(name, place, part):
            if is_needed:
                raise UnusableOperation(why)
            return None
        style = str(part.get("style", _STYLES[place][0]))
        schema, as_json = self._schema(part)
        argument = self._argument(name, place)
        self.arguments[argument] = Argument(schema, _text(part.get("description")), is_needed)
        return Parameter(
            argument=argument,
            name=name,
            place=place,
            style=style,
            explode=part.get("explode", style == "form") is True,
            allow_reserved=part.get("allowReserved") is True,
            as_json=as_json,
        )

    def _schema(self, part: Part) -> tuple[Any, bool]:
        """The parameter's schema, and whether it is written as JSON."""
        content = part.get("content")
        if not isinstance(content, dict) or not content:
            return part.get("schema", {}), False
        media, whole = next(iter(content.items()))
        if not is_json(kind_of(media)):
            raise UnusableOperation(f"the parameter {ascii(part.get('name'))[:60]} is no JSON")
        return (whole.get("schema", {}) if isinstance(whole, dict) else {}), True

    def _read_body(self) -> Body | None:
        if "requestBody" not in self._found.operation:
            return None
        part = self._document.resolved(self._found.operation["requestBody"], "its body")
        content = part.get("content")
        media = best_for_writing(content if isinstance(content, dict) else ())
        is_needed = part.get("required") is True
        if not media or self._found.method in ("GET", "HEAD"):
            if is_needed:
                kinds = ", ".join(map(str, content or ()))[:100] or "nothing"
                raise UnusableOperation(f"it wants a body of {kinds}, which is not written here")
            return None
        whole = content[media] if isinstance(content, dict) else {}
        schema = whole.get("schema", {}) if isinstance(whole, dict) else {}
        argument = self._argument("body", "request")
        self.arguments[argument] = Argument(schema, _text(part.get("description")), is_needed)
        return Body(argument, _written_as(media))

    def _argument(self, name: str, place: str) -> str:
        """A name that no other argument has."""
        plain = _ARGUMENT.sub("_", name)[:ARGUMENT_LENGTH] or "_"
        if plain not in self.arguments:
            return plain
        longer = f"{plain[: ARGUMENT_LENGTH - 8]}_{place}"
        if longer in self.arguments:
            raise UnusableOperation(f"two of its arguments would be called {longer}")
        return longer

    def _check_template(self) -> None:
        wanted = set(_TEMPLATE.findall(self._found.path))
        filled = {one.name for one in self._parameters if one.place == "path"}
        if missing := sorted(wanted - filled):
            raise UnusableOperation(f"its path has {{{missing[0][:60]}}}, which nothing fills")
        if not is_path(self._found.path):
            raise UnusableOperation("its path cannot be written as it is")


def _refusal(name: str, place: str, part: Part) -> str:
    """Why a parameter is not taken; "" when it is."""
    shown = ascii(name)[:60]
    if place not in _STYLES:
        return f"it wants the {ascii(place)[1:-1][:20]} {shown}, which is not sent"
    if place == "header" and (not _HEADER.fullmatch(name) or _REFUSED.fullmatch(name.lower())):
        return f"it wants the header {shown}, which no caller may say"
    style = part.get("style", _STYLES[place][0])
    if style not in _STYLES[place]:
        return f"its parameter {shown} has the style {ascii(style)[:30]}, which is not known"
    return ""


def _elsewhere(found: Found, base_url: str, document_url: str) -> str:
    """Where the operation's own servers lead, when none of them is the registered one."""
    for part in (found.operation, found.item):
        if part.get("servers"):
            urls = server_urls(part, document_url)
            return "" if any(same_place(url, base_url) for url in urls) else ", ".join(urls) or "?"
    return ""


def _name(found: Found) -> str:
    """Its own, if something of that can be a tool's name; else its method and path."""
    given = found.operation.get("operationId")
    own = _plain_name(given) if isinstance(given, str) else ""
    path = _TEMPLATE.sub(r"by_\1", found.path).replace("/", "_")
    return own or _plain_name(re.sub(r"_+", "_", f"{found.method.lower()}_{path}")) or "path"


def _plain_name(text: str) -> str:
    return _TOOL.sub("_", text.strip()).strip("_")[:NAME_LENGTH]


def _description(found: Found) -> str:
    said = _text(found.operation.get("description")) or _text(found.operation.get("summary"))
    lines = [said, "Deprecated." if found.operation.get("deprecated") is True else ""]
    text = "\n".join(line for line in lines if line) or f"{found.method} {found.path}".strip()
    return text if len(text) <= DESCRIPTION_LENGTH else text[: DESCRIPTION_LENGTH - 1] + "…"


def _written_as(media: str) -> str:
    kind = kind_of(media)
    return JSON if "*" in kind else kind


def _text(value: Any) -> str:
    return value.strip()[:DESCRIPTION_LENGTH] if isinstance(value, str) else ""
