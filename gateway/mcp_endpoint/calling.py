"""`tools/call`: through the one door, and back in the protocol's terms.

What a model can mend or must know comes back as a result that is an error; who may not, and what
does not exist, as the same JSON-RPC error.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from django.db import DatabaseError
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from accounts.errors import AccountsError
from gateway import calls, errors
from gateway.checking import NO_SUCH_TOOL
from gateway.mcp_endpoint import offers
from gateway.mcp_endpoint.caller import Caller
from gateway.models import Door

log = logging.getLogger(__name__)

# Said of the server's own connection to us, not of the result.
_NOT_PASSED_ON = (types.SERVER_INFO_META_KEY,)
_UNKNOWN = "The outcome of this call is unknown. Do not repeat it; tell the person."


def call(
    caller: Caller, params: types.CallToolRequestParams, stop: threading.Event
) -> dict[str, Any]:
    """The result for the client. Raises MCPError for what has none."""
    if not caller.asker.user.may_act():
        raise MCPError(types.INVALID_PARAMS, NO_SUCH_TOOL)
    if params.request_state is not None or params.input_responses:
        raise MCPError(types.INVALID_PARAMS, "This requestState is not one of ours.")
    tool = offers.find_tool(caller, params.name)
    wish = calls.Wish(
        asker=caller.asker,
        door=Door.MCP,
        server=tool.server.name if tool else caller.server,
        tool=tool.name if tool else params.name,
        arguments=params.arguments or {},
        picks_up=True,
        cancelled=stop,
    )
    try:
        return _passed_on(calls.make(wish).result)
    except errors.GatewayError as error:
        return _told(error)
    except (AccountsError, DatabaseError) as error:
        raise _unexpected(error) from None


def _told(error: errors.GatewayError) -> dict[str, Any]:
    """An error as the client's model gets to read it, where it may."""
    if isinstance(error, errors.NeedsApproval):
        return failed(_waiting(error.approval))
    if isinstance(error, errors.ApprovalRefused):
        return failed(error.message)
    if isinstance(error, errors.UnknownTool | errors.Refused):
        raise MCPError(types.INVALID_PARAMS, NO_SUCH_TOOL)
    if isinstance(error, errors.OutcomeUnknown):
        return failed(f"{_UNKNOWN} ({error.message})")
    if error.status >= 500 and not isinstance(error, errors.UpstreamFailed):
        raise MCPError(types.INTERNAL_ERROR, error.message)
    return failed(error.message)


def _waiting(approval: Mapping[str, Any]) -> str:
    return (
        f"This call waits for somebody's approval, id {approval['id']}, until"
        f" {approval['expires_at']}. Nothing was sent. Repeat the identical call once it is"
        " approved; until then it answers the same."
    )


def failed(text: str) -> dict[str, Any]:
    """A tool result that is an error."""
    content = [{"type": "text", "text": text}]
    return {"content": content, "isError": True, "resultType": "complete"}


def _passed_on(result: Mapping[str, Any]) -> dict[str, Any]:
    """The server's result without what it says of itself."""
    passed = {**result, "resultType": "complete"}
    meta = passed.pop("_meta", None)
    if isinstance(meta, Mapping):
        kept = {key: value for key, value in meta.items() if key not in _NOT_PASSED_ON}
        passed |= {"_meta": kept} if kept else {}
    try:
        types.CallToolResult.model_validate(passed)
    except ValidationError:
        return failed("The tool was called, and its server's result is not valid MCP.")
    return passed


def _unexpected(error: Exception) -> MCPError:
    error_id = errors.new_error_id()
    log.error("a call over MCP failed", exc_info=error, extra={"error_id": error_id})
    return MCPError(types.INTERNAL_ERROR, f"OMNI2 cannot answer now (error {error_id}).")
