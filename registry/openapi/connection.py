"""A REST service where the client expects a connection to an MCP server: it answers the same.

    tools/call   one HTTP request, by the operation in the tool that was accepted
    ping         whether anything answers at the service's address

Its tools are read from its document (`listing`), over no connection at all.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from registry.mcp import guard
from registry.mcp.behalf import ALONE, Behalf
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadArguments, Rejected, Stale
from registry.mcp.plain import Plain
from registry.openapi import requests, results
from registry.openapi.operation import Operation

METHOD_NOT_FOUND = -32601


class ServiceConnection:
    """Requests to one service, side by side; closed when the last one of a retired one ends."""

    # It has neither session nor handshake; what it is asked is the same in both generations.
    is_modern = False

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self.endpoint = endpoint
        self._plain = Plain(endpoint, resolver)
        self._base = urlsplit(endpoint.url).path
        self._opened_at = asyncio.get_running_loop().time()
        self._operations: dict[str, Operation] = {}
        self._in_flight = 0
        self._retired = False
        self.used_at = 0.0
        self._closing: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether a new request may be given to it."""
        age = asyncio.get_running_loop().time() - self._opened_at
        too_old = 0 < self.endpoint.max_age_seconds < age
        return not (self._retired or self._closing or too_old)

    @property
    def ended(self) -> bool:
        return self._closing is not None and self._closing.done()

    async def opened(self, deadline: float) -> None:
        """Nothing is opened before the first request."""

    def retire(self) -> None:
        """Take no more requests; end when the last one under way has ended."""
        self._retired = True
        if not self._in_flight:
            self._end()

    async def close(self) -> None:
        """End now."""
        self._end()
        if self._closing is not None:
            await self._closing

    def learn(self, tools: list[dict[str, Any]]) -> None:
        """Note how these tools are called: what was accepted is what is done."""
        for tool in tools:
            if (operation := Operation.of(tool)) is not None:
                self._operations[str(tool.get("name"))] = operation

    async def request(
        self, method: str, params: Mapping[str, Any], *, deadline: float, behalf: Behalf = ALONE
    ) -> dict[str, Any]:
        """The answer to a request as an MCP server would give it. Raises an UpstreamError.

        A REST service asks nobody anything, and says nothing while it works.
        """
        if self._closing is not None:
            raise Stale("The connection had ended.")
        self._in_flight += 1
        try:
            if method == "tools/call":
                return await self._call(params, deadline)
            if method == "ping":
                return await self._ping(deadline)
            raise Rejected("A REST service has no such method.", rpc_code=METHOD_NOT_FOUND)
        finally:
            self._in_flight -= 1
            if self._retired and not self._in_flight:
                self._end()

    async def _call(self, params: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        operation = self._operations.get(str(params["name"]))
        if operation is None:
            raise BadArguments("This tool does not say how it is called.")
        request = requests.written(operation, params["arguments"], base=self._base)
        answer = await self._plain.send(
            request.method,
            request.target,
            headers=request.headers,
            content=request.content,
            deadline=deadline,
        )
        return await results.result_of(answer)

    async def _ping(self, deadline: float) -> dict[str, Any]:
        answer = await self._plain.send("HEAD", self._base or "/", deadline=deadline)
        if answer.status == 401 or answer.status >= 500 and answer.status != 501:
            raise results.refused(answer)
        return {}

    def _end(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._plain.close())
