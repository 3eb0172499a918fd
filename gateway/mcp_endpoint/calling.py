"""`tools/call` and what is done like it: through the one door, and back in the protocol's terms.

What a model can mend or must know comes back as a tool's result that is an error; who may not, and
what does not exist, as the same JSON-RPC error.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import mcp_types as types
from django.db import DatabaseError
from mcp.shared import inbound
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ValidationError

from accounts.errors import AccountsError
from gateway import calls, errors, fallback
from gateway.mcp_endpoint import inputs, offers
from gateway.mcp_endpoint.client import Client
from gateway.models import Call, Door
from registry import catalogue, verbs
from registry.mcp.asking import asks_for_input
from registry.mcp.behalf import ALONE, Behalf
from registry.models import Tool

log = logging.getLogger(__name__)

RESOURCE_NOT_FOUND = -32002
# Of a server's own JSON-RPC errors these are the client's to know.
_PASSED_ON = (types.INVALID_PARAMS, types.MISSING_REQUIRED_CLIENT_CAPABILITY, RESOURCE_NOT_FOUND)
_UNKNOWN = "The outcome of this call is unknown. Do not repeat it; tell the person."


@dataclass(frozen=True)
class Kind:
    """A method that goes through the door: what its result must be, and how nothing is said."""

    result: type[BaseModel]
    nothing: str
    is_tool: bool = False


TOOL = Kind(types.CallToolResult, "There is no such tool.", is_tool=True)
PROMPT = Kind(types.GetPromptResult, "There is no such prompt.")
RESOURCE = Kind(types.ReadResourceResult, "There is no such resource.")
COMPLETION = Kind(types.CompleteResult, "There is nothing to complete.")


@dataclass(frozen=True)
class Wanted:
    """What the client wants done: a tool, or a verb of a server by the name it is governed under.

    `server` is "" where the client's name means nothing; `said` goes with such an error.
    """

    kind: Kind
    server: str
    tool: str
    arguments: Mapping[str, Any]
    said: Any = None

    @property
    def place(self) -> dict[str, Any]:
        """Which call it is, for what must belong to this one and no other."""
        return {"server": self.server, "tool": self.tool, "arguments": dict(self.arguments)}


def call_tool(client: Client, params: types.CallToolRequestParams) -> dict[str, Any]:
    """The tool's result, as the client gets it. Raises MCPError for what has none."""
    tool = offers.find_tool(client.caller, params.name)
    server, name = (tool.server.name, tool.name) if tool else ("", params.name)
    _check_headers(client, tool, params)
    return _done(client, Wanted(TOOL, server, name, params.arguments or {}))


def get_prompt(client: Client, params: types.GetPromptRequestParams) -> dict[str, Any]:
    """The prompt with its arguments filled in."""
    server, name = offers.find_prompt(client.caller, params.name)
    arguments: dict[str, Any] = {"name": name}
    if params.arguments is not None:
        arguments["arguments"] = params.arguments
    return _done(client, Wanted(PROMPT, server, verbs.PROMPTS, arguments))


def read_resource(client: Client, params: types.ReadResourceRequestParams) -> dict[str, Any]:
    """What the resource holds."""
    uri = str(params.uri)
    server, own = offers.find_resource(client.caller, uri)
    return _done(client, Wanted(RESOURCE, server, verbs.RESOURCES, {"uri": own}, {"uri": uri}))


def complete(client: Client, params: types.CompleteRequestParams) -> dict[str, Any]:
    """What the argument of a prompt or of a template could be."""
    asked = params.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"meta"})
    server, ref = offers.find_reference(client.caller, asked["ref"])
    arguments: dict[str, Any] = {k: asked[k] for k in ("argument", "context") if k in asked}
    arguments["ref"] = ref
    return _done(client, Wanted(COMPLETION, server, verbs.COMPLETIONS, arguments))


def _check_headers(client: Client, tool: Tool | None, params: types.CallToolRequestParams) -> None:
    """Raise MCPError where a header says another argument than the body (`x-mcp-header`)."""
    if tool is None or client.headers is None or not offers.may_want_headers(tool):
        return
    schema = offers.shown_schema(client.caller, tool)
    if schema is None or not inbound.x_mcp_header_map(schema):
        return
    fault = inbound.validate_mcp_param_headers(schema, params.arguments or {}, client.headers)
    if fault is not None:
        raise MCPError(fault.code, fault.message, fault.data)


def _done(client: Client, wanted: Wanted) -> dict[str, Any]:
    state = inputs.opened(client, wanted.place)
    has_waited = state.get("waits") is True
    if has_waited and not inputs.says_again(client):
        return _failed(wanted, "The call was not made.")
    wish = calls.Wish(
        asker=client.caller.asker,
        door=Door.MCP,
        server=wanted.server,
        tool=wanted.tool,
        arguments=wanted.arguments,
        picks_up=True,
        behalf=_behalf(client, wanted, {} if has_waited else _answered(client, state)),
        cancelled=client.stop,
    )
    try:
        made = calls.make(wish)
        gave = replace(wanted, server=made.row.server)
        return _told_who(made.row, _passed_on(client, gave, made.result, wish.behalf))
    except errors.NeedsApproval as needed:
        text = _waiting(needed.approval)
        if client.can_be_asked and not has_waited:
            return inputs.wait_for_approval(client, text, place=wanted.place)
        return _failed(wanted, text)
    except errors.GatewayError as error:
        return _told(client, wanted, error)
    except (AccountsError, DatabaseError) as error:
        raise _unexpected(error) from None


def _told_who(row: Call, result: dict[str, Any]) -> dict[str, Any]:
    """The result, and which server gave it where that is not the one that was asked."""
    note = fallback.told(row)
    if not note:
        return result
    said = [*result.get("content", ()), {"type": "text", "text": note}]
    return {**result, "content": said}


def _answered(client: Client, state: Mapping[str, Any]) -> dict[str, Any]:
    """What goes back to a server that had asked: the answers, and the state it gave out."""
    answers = inputs.answered(client, state)
    more: dict[str, Any] = {"inputResponses": answers} if answers else {}
    return more | ({"requestState": state["server"]} if "server" in state else {})


def _behalf(client: Client, wanted: Wanted, more: Mapping[str, Any]) -> Behalf:
    tool = catalogue.find(wanted.server, wanted.tool)
    return ALONE if tool is None else client.behalf(tool.server, more)


def _passed_on(
    client: Client, wanted: Wanted, result: Mapping[str, Any], behalf: Behalf
) -> dict[str, Any]:
    """The server's result without what it says of itself, or what it asks."""
    if asks_for_input(result):
        asked = inputs.passed_on(client, result, wanted.server, place=wanted.place)
        if asked is None or not inputs.may_be_asked(asked, behalf.capabilities):
            return _failed(wanted, "The server asks for what it may not ask here.")
        return asked
    passed = {**result, "resultType": "complete"}
    meta = passed.pop("_meta", None)
    if isinstance(meta, Mapping):
        kept = {key: value for key, value in meta.items() if key != types.SERVER_INFO_META_KEY}
        passed |= {"_meta": kept} if kept else {}
    if wanted.kind is RESOURCE:
        # It was read for this person; whoever else may read it asks for themselves.
        passed = {"ttlMs": 0, **passed, "cacheScope": "private"}
    passed = offers.under_public_names(client.caller, wanted.server, passed)
    try:
        wanted.kind.result.model_validate(passed)
    except ValidationError:
        return _failed(wanted, "It was done, and the server's result is not valid MCP.")
    return passed


# --- What went wrong ------------------------------------------------------------------------------
def _told(client: Client, wanted: Wanted, error: errors.GatewayError) -> dict[str, Any]:
    """An error as the client's model gets to read it, where it may."""
    if isinstance(error, errors.ApprovalRefused):
        return _failed(wanted, error.message)
    if isinstance(error, errors.UnknownTool | errors.Refused):
        raise _nothing(client, wanted)
    if isinstance(error, errors.OutcomeUnknown):
        return _failed(wanted, f"{_UNKNOWN} ({error.message})")
    rejected = getattr(error, "rejected", None)
    if rejected is not None and rejected.rpc_code in _PASSED_ON:
        raise MCPError(rejected.rpc_code, rejected.message, rejected.data)
    if error.status >= 500 and not isinstance(error, errors.UpstreamFailed):
        raise MCPError(types.INTERNAL_ERROR, error.message)
    return _failed(wanted, error.message)


def _nothing(client: Client, wanted: Wanted) -> MCPError:
    """The one answer to what is not there and to what this person may not."""
    is_old_resource = wanted.kind is RESOURCE and not client.modern
    code = RESOURCE_NOT_FOUND if is_old_resource else types.INVALID_PARAMS
    return MCPError(code, wanted.kind.nothing, wanted.said)


def _failed(wanted: Wanted, text: str) -> dict[str, Any]:
    """A tool's result that is an error; raises MCPError for what has no such result."""
    if not wanted.kind.is_tool:
        raise MCPError(types.INTERNAL_ERROR, text)
    content = [{"type": "text", "text": text}]
    return {"content": content, "isError": True, "resultType": "complete"}


def _waiting(approval: Mapping[str, Any]) -> str:
    return (
        f"This call waits for somebody's approval, id {approval['id']}, until"
        f" {approval['expires_at']}. Nothing was sent. Repeat the identical call once it is"
        " approved; until then it answers the same."
    )


def _unexpected(error: Exception) -> MCPError:
    error_id = errors.new_error_id()
    log.error("a call over MCP failed", exc_info=error, extra={"error_id": error_id})
    return MCPError(types.INTERNAL_ERROR, f"OMNI2 cannot answer now (error {error_id}).")
