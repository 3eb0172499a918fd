"""`tools/list` of the stateless generation, answered from parts that are JSON already.

A list of 2,000 tools is 600 KB that the SDK would copy, check and write anew for each client. So a
request that the SDK itself finds to be in order is answered here, with what it would have said;
every other one is left to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from mcp.shared.inbound import (
    MCP_PROTOCOL_VERSION_HEADER,
    InboundModernRoute,
    classify_inbound_request,
    find_duplicated_routing_header,
)
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from audit.stamps import Kept
from gateway import toolbox
from gateway.mcp_endpoint import offers
from gateway.mcp_endpoint.caller import Caller
from gateway.mcp_endpoint.replies import Scope

METHOD = "tools/list"

_kept = Kept("accounts", "registry", size=2, of="tools as MCP clients read them")


def is_in_order(scope: Scope, message: Mapping[str, Any]) -> bool:
    """Whether this asks for the whole list, and nothing of it is for the SDK to complain about."""
    pairs = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]]
    headers = dict(pairs)
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER, "")
    if message.get("method") != METHOD or version not in MODERN_PROTOCOL_VERSIONS:
        return False
    params = message.get("params")
    has_cursor = not isinstance(params, Mapping) or params.get("cursor") is not None
    if has_cursor or "id" not in message or message.get("jsonrpc") != "2.0":
        return False
    return (
        _is_readable(headers)
        and find_duplicated_routing_header(pairs) is None
        and isinstance(classify_inbound_request(message, headers=headers), InboundModernRoute)
        and _is_valid(version, params)
    )


def _is_readable(headers: Mapping[str, str]) -> bool:
    accept = headers.get("accept", "")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" and all(
        one in accept for one in ("application/json", "text/event-stream")
    )


def _is_valid(version: str, params: Mapping[str, Any] | None) -> bool:
    try:
        validate_client_request(METHOD, version, params)
    except (ValidationError, KeyError):
        return False
    return True


def answer(caller: Caller, identity: Any, envelope: Mapping[str, Any]) -> bytes:
    """The whole JSON-RPC answer; `envelope` is what the result says beside its tools."""
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
