"""What a server says unasked: that one of its lists is another now.

    2026-07-28       one `subscriptions/listen`, held open for it
    handshake era    over streamable HTTP one GET, held open for it; else on the one stream there is
                     (and in either case wherever else the server says it: `Exchange.hear`)

Only where the server declares that it tells, and only for connections that are everybody's. A
stream that ends is opened again, ever more rarely where none lasts. On the stream of the handshake
era a server may also ask (`forms`); where it may, the stream is there before it is called.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpcore2
import mcp_types as types
from mcp.shared.exceptions import MCPError

from registry.mcp import answers, events, forms, parsing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import HttpRefused, Rejected, UpstreamError
from registry.mcp.exchange import EXCHANGE, Exchange
from registry.mcp.large import LARGE_BYTES, Stay
from registry.mcp.meaning import translated
from registry.mcp.pace import PIECE_SECONDS

if TYPE_CHECKING:
    from registry.mcp.connection import Connection

Changed = Callable[[], None]

# By what is asked to hear of: the capability that says whether it is told.
TOLD = {
    "toolsListChanged": "tools",
    "promptsListChanged": "prompts",
    "resourcesListChanged": "resources",
}
METHOD_NOT_FOUND = -32601
# A stream that lasted so long was a good one. None is kept for longer than the other: a connection
# that has silently gone is found out so.
STEADY_SECONDS, LONGEST_SECONDS = 60.0, 3600.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
# A server that talks without end is not listened to without end.
MOST_EVENTS = 1000
# So long the first call waits for the stream on which a server may ask.
AT_MOST_SECONDS = 2.0


@asynccontextmanager
async def heard(connection: "Connection") -> AsyncIterator[None]:
    """Listen for as long as the block lasts."""
    holding = asyncio.Event()
    task = asyncio.create_task(_listen(connection, holding))
    try:
        if _may_ask_on_its_own(connection):
            with anyio.move_on_after(AT_MOST_SECONDS):
                await holding.wait()
        yield
    finally:
        task.cancel()


def told(connection: "Connection") -> dict[str, bool]:
    """Of which lists the server says that it tells when they change."""
    capabilities = connection.session.server_capabilities
    return {
        name: True
        for name, capability in TOLD.items()
        if getattr(getattr(capabilities, capability, None), "list_changed", None)
    }


def _may_ask_on_its_own(connection: "Connection") -> bool:
    endpoint = connection.endpoint
    is_old = endpoint.transport == "http" and not connection.is_modern
    return endpoint.answers_forms and is_old


async def _listen(connection: "Connection", holding: asyncio.Event) -> None:
    wanted, endpoint = told(connection), connection.endpoint
    has_own_stream = connection.is_modern or endpoint.transport == "http"
    is_heard = wanted and not endpoint.account and has_own_stream and connection.changed is not None
    if not is_heard and not _may_ask_on_its_own(connection):
        return
    loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
    while True:
        began = loop.time()
        try:
            if connection.is_modern:
                await _subscribe(connection, wanted)
            else:
                await _hold(connection, holding)
        except (UpstreamError, TimeoutError) as error:
            if _is_final(error):
                return
        finally:
            holding.set()
        is_steady = loop.time() - began > STEADY_SECONDS
        pause = FIRST_PAUSE if is_steady else min(LONGEST_PAUSE, pause * 2)
        await asyncio.sleep(pause)


def _is_final(error: Exception) -> bool:
    """Whether the server says that there is no such stream."""
    if isinstance(error, HttpRefused):
        return error.status is not None and 400 <= error.status < 500 and error.status != 429
    return isinstance(error, Rejected) and error.rpc_code == METHOD_NOT_FOUND


async def _subscribe(connection: "Connection", wanted: dict[str, bool]) -> None:
    """Listen in the stateless generation, until the server ends it."""
    end = asyncio.get_running_loop().time() + LONGEST_SECONDS
    over = asyncio.Event()
    exchange = Exchange(end, over.set, keeps_result=False, changed=connection.changed)
    EXCHANGE.set(exchange)
    asking = asyncio.create_task(connection.subscribe({"notifications": wanted}))
    asking.add_done_callback(lambda task: task.cancelled() or task.exception())
    ending = asyncio.create_task(over.wait())
    try:
        await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
        if exchange.failure is not None:
            raise exchange.failure
        await asking
    except MCPError as error:
        raise exchange.failure or translated(error, exchange) from None
    finally:
        exchange.end()
        asking.cancel()
        ending.cancel()


async def _hold(connection: "Connection", holding: asyncio.Event) -> None:
    """Listen to a server of the handshake era, until it closes the stream."""
    transport, version = connection.transport, connection.session.protocol_version or ""
    assert transport is not None
    async with asyncio.timeout(connection.endpoint.connect_timeout):
        response = await transport.stream(version)
    holding.set()
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _read(
                response,
                connection,
                lambda asked: transport.say(version, _reply(asked, connection.endpoint)),
            )
    except (TimeoutError, *answers.BROKEN):
        return
    finally:
        await response.aclose()


async def _read(
    response: httpcore2.Response, connection: "Connection", answer: Callable[[Any], None]
) -> None:
    ear = Exchange(0, lambda: None, changed=connection.changed)
    splitter, heard = events.Splitter(limit=parsing.BYTE_LIMIT), 0

    def take(message: dict[str, Any]) -> dict[str, Any]:
        if "method" in message and "id" in message:
            answer(message)
        return message

    with Stay(connection.endpoint.name) as stay:
        async for chunk in response.aiter_stream():
            await stay.grow_to(splitter.size + len(chunk))
            began = time.thread_time()
            for event in splitter.feed(chunk):
                await events.checked(event, take, hear=ear.hear)
                heard += 1
                if heard > MOST_EVENTS:
                    return
            await stay.heard(PIECE_SECONDS + time.thread_time() - began)
            if splitter.size <= LARGE_BYTES:
                stay.leave()


def _reply(asked: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """What a server is answered that asks: that we are there, and what its own form says."""
    head = {"jsonrpc": "2.0", "id": asked["id"]}
    if asked["method"] == "ping":
        return {**head, "result": {}}
    if asked["method"] == forms.ELICITATION and endpoint.answers_forms:
        return {**head, "result": forms.by_defaults(asked.get("params"))}
    return {**head, "error": {"code": METHOD_NOT_FOUND, "message": "Nobody can be asked here."}}


async def by_defaults(context: Any, params: Any) -> types.ElicitResult:
    """What a server of the handshake era is answered on whatever stream the SDK reads."""
    asked = params.model_dump(by_alias=True, mode="json", exclude_none=True)
    return types.ElicitResult.model_validate(forms.by_defaults(asked))
