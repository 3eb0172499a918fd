"""Requests of the stateless generation that are answered past the SDK: `tools/list`, `tools/call`.

A list of 2,000 tools is 600 KB that the SDK would copy, check and write anew for each client, and a
call costs it more than the decision, the record and the server's answer together. So a request that
the SDK itself finds to be in order is answered here, with what it would have said; every other one
is left to it, and so are clients that want to hear what is said while a call goes on.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundModernRoute,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp_types.methods import serialize_server_result, validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.datastructures import Headers

from audit.stamps import Kept
from gateway import toolbox
from gateway.mcp_endpoint import calling, offers
from gateway.mcp_endpoint.caller import Caller
from gateway.mcp_endpoint.client import Client
from gateway.mcp_endpoint.replies import Scope
from gateway.mcp_endpoint.waiting import Waiting

log = logging.getLogger(__name__)

LIST, CALL = "tools/list", "tools/call"
# What a client has to say to be told of progress, or of log messages.
WANTS_TO_HEAR = ("progressToken", types.LOG_LEVEL_META_KEY)

_kept = Kept("accounts", "registry", size=2, of="tools as MCP clients read them")


@dataclass(frozen=True)
class Answer:
    """A whole JSON-RPC answer, and the HTTP status it has where it is no stream."""

    status: int
    content: bytes


def is_in_order(scope: Scope, message: Mapping[str, Any]) -> bool:
    """Whether it can be answered here, and nothing of it is for the SDK to complain about."""
    pairs = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
    headers = dict(pairs)
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER, "")
    method, params = message.get("method"), message.get("params")
    if method not in (LIST, CALL) or version not in MODERN_PROTOCOL_VERSIONS:
        return False
    if not isinstance(params, Mapping) or "id" not in message or message.get("jsonrpc") != "2.0":
        return False
    return (
        _is_for_us(method, params)
        and _is_readable(headers)
        and find_duplicated_routing_header(pairs) is None
        and isinstance(classify_inbound_request(message, headers=headers), InboundModernRoute)
        and _is_valid(method, version, params)
    )


def _is_for_us(method: str, params: Mapping[str, Any]) -> bool:
    if method == LIST:
        return params.get("cursor") is None
    meta = params.get("_meta")
    return isinstance(meta, Mapping) and all(meta.get(key) is None for key in WANTS_TO_HEAR)


def _is_readable(headers: Mapping[str, str]) -> bool:
    accept = headers.get("accept", "")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" and all(
        one in accept for one in ("application/json", "text/event-stream")
    )


def _is_valid(method: str, version: str, params: Mapping[str, Any]) -> bool:
    try:
        validate_client_request(method, version, params)
        if method == CALL:
            types.CallToolRequestParams.model_validate(params, by_name=False)
    except (ValidationError, KeyError):
        return False
    return True


def answer(
    scope: Scope,
    message: Mapping[str, Any],
    *,
    caller: Caller,
    envelope: Mapping[str, Any],
    waiting: Waiting,
) -> Answer:
    """The whole answer to a request in order; `envelope` is what a list says beside its tools."""
    if message["method"] == LIST:
        return Answer(200, _list(caller, message["id"], envelope))
    try:
        result = _called(scope, message["params"], caller, waiting=waiting)
        result |= {"_meta": envelope["_meta"] | (result.get("_meta") or {})}
        return _answer(200, message["id"], result=result)
    except MCPError as error:
        return _error(message["id"], error.error)
    except Exception:
        log.exception("a call over MCP failed")
        error_data = types.ErrorData(code=types.INTERNAL_ERROR, message="Internal server error")
        return _error(message["id"], error_data)


def _called(
    scope: Scope, params: Mapping[str, Any], caller: Caller, *, waiting: Waiting
) -> dict[str, Any]:
    headers, meta = Headers(scope=scope), params["_meta"]
    client = Client.modern_of(caller, params, meta=meta, headers=headers, stop=waiting.stop)
    asked = types.CallToolRequestParams.model_validate(params, by_name=False)
    result = calling.call_tool(client, asked)
    return serialize_server_result(CALL, headers[MCP_PROTOCOL_VERSION_HEADER], result)


def _error(identity: Any, error: types.ErrorData) -> Answer:
    said = error.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _answer(ERROR_CODE_HTTP_STATUS.get(error.code, 200), identity, error=said)


def _answer(status: int, identity: Any, **said: Any) -> Answer:
    message = {"jsonrpc": "2.0", "id": identity, **said}
    return Answer(status, json.dumps(message, separators=(",", ":")).encode())


def _list(caller: Caller, identity: Any, envelope: Mapping[str, Any]) -> bytes:
    box = toolbox.open_for(caller.asker, server=caller.server)
    known = _kept.get(bool(caller.server), lambda: _written(own_names=bool(caller.server)))
    tools = b",".join(known[spec.name] for spec in box.offered if spec.name in known)
    head = json.dumps({"jsonrpc": "2.0", "id": identity}, separators=(",", ":"))[:-1]
    rest = json.dumps(envelope, separators=(",", ":"))[1:]
    return b'%b,"result":{"tools":[%b],%b}' % (head.encode(), tools, rest.encode())


def _written(*, own_names: bool) -> dict[str, bytes]:
    return {
        name: json.dumps(definition, separators=(",", ":")).encode()
        for name, definition in offers.definitions(own_names=own_names).items()
    }
