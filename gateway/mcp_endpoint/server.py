"""The SDK's server with our handlers behind it: one for every caller and both generations.

A handler knows its caller from the request. What the SDK would do again for us (checking each tool
that we list against its model, at every listing) is left out by a middleware.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp_types as types
from django.conf import settings
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gateway.mcp_endpoint import calling, offers
from gateway.mcp_endpoint.caller import caller_of
from gateway.mcp_endpoint.client import Client, Context, client_of, keep_level
from gateway.mcp_endpoint.listening import Changes, listener
from gateway.mcp_endpoint.threads import in_thread

NAME = "omni2"
INSTRUCTIONS = (
    "OMNI2 is the governed front door to this company's MCP servers. You see the tools that the"
    " person you act for may use; every call is decided anew and recorded. A call that needs"
    " somebody's approval says so with an id: repeat the identical call once it is approved."
)
# A verb of `calling`: the result for the client, for parameters of its own kind.
Done = Callable[[Client, Any], dict[str, Any]]
Handler = Callable[[Context, Any], Awaitable[HandlerResult]]

# How long a client may go by a list that it was not told is out of date.
LIST_SECONDS = 60
LISTS = {
    "tools/list": offers.tools,
    "prompts/list": offers.prompts,
    "resources/list": offers.resources,
    "resources/templates/list": offers.templates,
}
# What goes through the one door, with what its parameters are.
DONE: Mapping[str, tuple[type[types.RequestParams], Done]] = {
    "tools/call": (types.CallToolRequestParams, calling.call_tool),
    "prompts/get": (types.GetPromptRequestParams, calling.get_prompt),
    "resources/read": (types.ReadResourceRequestParams, calling.read_resource),
    "completion/complete": (types.CompleteRequestParams, calling.complete),
}


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
    for method, (params, work) in DONE.items():
        server.add_request_handler(method, params, _through_the_door(work))
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    listen = listener(Changes())
    server.add_request_handler(
        "subscriptions/listen", types.SubscriptionsListenRequestParams, listen
    )
    server.add_request_handler("server/discover", types.RequestParams, _discovering(server))

    async def ready_made_lists(ctx: Context, call_next: CallNext) -> HandlerResult:
        if ctx.request_id is None or ctx.method not in LISTS:
            return await call_next(ctx)
        # The SDK would check what is asked as well as what is answered; the first is done here.
        validate_client_request(ctx.method, ctx.protocol_version, ctx.params)
        listed = await _listed(ctx, ctx.params)
        is_modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        return listed | envelope(server) if is_modern else listed

    server.middleware.append(ready_made_lists)
    return server


def _discovering(server: Server[Any]) -> Handler:
    async def discover(context: Context, _params: types.RequestParams) -> types.DiscoverResult:
        capabilities = server.get_capabilities(protocol_version=context.protocol_version)
        if capabilities.resources is not None:
            # Lists that change are told; what a resource holds is not watched.
            capabilities.resources.subscribe = False
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=capabilities,
            instructions=INSTRUCTIONS,
        )

    return discover


async def _listed(context: Context, params: Any) -> dict[str, Any]:
    """A whole list: there is one page, and so no cursor that we could have given out."""
    cursor = (
        params.get("cursor") if isinstance(params, Mapping) else getattr(params, "cursor", None)
    )
    if cursor is not None:
        raise MCPError(types.INVALID_PARAMS, "There is no such page.")
    caller, listing = caller_of(context), LISTS[context.method]
    return await in_thread(lambda: listing(caller))


def envelope(server: Server[Any]) -> dict[str, Any]:
    """What a list of the stateless generation says beside what it lists."""
    return {
        "ttlMs": LIST_SECONDS * 1000,
        "cacheScope": "private",
        "resultType": "complete",
        "_meta": {types.SERVER_INFO_META_KEY: server.server_info_stamp},
    }


def _through_the_door(work: Done) -> Handler:
    async def handler(context: Context, params: Any) -> dict[str, Any]:
        async with client_of(context) as client:
            return await in_thread(lambda: work(client, params))

    return handler


async def _set_level(context: Context, params: types.SetLevelRequestParams) -> dict[str, Any]:
    caller = caller_of(context)
    await in_thread(lambda: keep_level(caller, params.level))
    return {}


def _checked_later(_name: str) -> None:
    """The SDK asks without saying for whom: what a tool takes is not told to strangers."""
