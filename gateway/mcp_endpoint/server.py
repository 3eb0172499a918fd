"""The SDK's server with our handlers behind it: one for every caller and both generations.

A handler knows its caller from the request. What the SDK would do again for us (checking each tool
that we list against its model, at every listing) is left out by a middleware.
"""

import threading
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from django.conf import settings
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gateway.mcp_endpoint import calling, offers
from gateway.mcp_endpoint.caller import caller_of
from gateway.mcp_endpoint.threads import in_thread

NAME = "omni2"
INSTRUCTIONS = (
    "OMNI2 is the governed front door to this company's MCP servers. You see the tools that the"
    " person you act for may use; every call is decided anew and recorded. A call that needs"
    " somebody's approval says so with an id: repeat the identical call once it is approved."
)
# How long a client may go by a list that it was not told is out of date.
LIST_SECONDS = 60
LISTS = {"tools/list": offers.tools}

Context = ServerRequestContext[Any, Any]


def build() -> Server[Any]:
    """A server that serves whoever its requests are from."""
    server: Server[Any] = Server(
        NAME,
        version=settings.VERSION,
        title="OMNI2",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=_checked_later,
    )
    for method in LISTS:
        server.add_request_handler(method, types.PaginatedRequestParams, _listed)
    server.add_request_handler("tools/call", types.CallToolRequestParams, _call_tool)

    async def ready_made_lists(ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None or ctx.method not in LISTS:
            return await call_next(ctx)
        return _enveloped(await _listed(ctx, ctx.params), ctx, server)

    server.middleware.append(ready_made_lists)
    return server


async def _listed(context: Context, params: Any) -> dict[str, Any]:
    """A whole list: there is one page, and so no cursor that we could have given out."""
    cursor = (
        params.get("cursor") if isinstance(params, Mapping) else getattr(params, "cursor", None)
    )
    if cursor is not None:
        raise MCPError(types.INVALID_PARAMS, "There is no such page.")
    caller, listing = caller_of(context), LISTS[context.method]
    return await in_thread(lambda: listing(caller))


def _enveloped(listed: dict[str, Any], context: Context, server: Server[Any]) -> dict[str, Any]:
    """What the SDK would add to a result of the stateless generation."""
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return listed
    meta = {types.SERVER_INFO_META_KEY: server.server_info_stamp}
    caching = {"ttlMs": LIST_SECONDS * 1000, "cacheScope": "private"}
    return {**listed, **caching, "resultType": "complete", "_meta": meta}


async def _call_tool(context: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
    caller, stop = caller_of(context), threading.Event()
    try:
        return await in_thread(lambda: calling.call(caller, params, stop))
    finally:
        # A client that has gone away waits for nothing any more; the server is told to stop.
        stop.set()


def _checked_later(_name: str) -> None:
    """The SDK asks without saying for whom: what a tool takes is not told to strangers."""
