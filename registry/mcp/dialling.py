"""The network under the HTTP transport: dials only what the guard has checked."""

import functools
import ssl
from collections.abc import Iterable
from typing import Any

import anyio.to_thread
import httpcore2
import httpx2

from registry.mcp import answers, guard
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, Unreachable

# One unreachable address of several may not use up the time of the others.
ATTEMPT_SECONDS = 3.0


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The process's one TLS context: loading the certificates costs 16 ms."""
    return httpx2.create_ssl_context()


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves a host once per connection, checks all its addresses, dials one of these."""

    def __init__(self, endpoint: Endpoint, resolver: guard.Resolver) -> None:
        self._endpoint = endpoint
        self._resolver = resolver
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        check = functools.partial(
            guard.addresses,
            host,
            port,
            self._endpoint.internal_addresses,
            resolver=self._resolver,
        )
        *first, last = await anyio.to_thread.run_sync(check, abandon_on_cancel=True)
        for address in first:
            try:
                return await self._plain.connect_tcp(address, port, timeout=ATTEMPT_SECONDS)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(last, port, timeout=timeout)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


def pool(endpoint: Endpoint, resolver: guard.Resolver) -> httpcore2.AsyncConnectionPool:
    """A pool of guarded connections to one endpoint; no proxy, no redirects, HTTP/1.1."""
    return httpcore2.AsyncConnectionPool(
        ssl_context=ssl_context(),
        max_connections=64,
        max_keepalive_connections=8,
        keepalive_expiry=30,
        network_backend=GuardedBackend(endpoint, resolver),
    )


async def send(
    pool: httpcore2.AsyncConnectionPool, request: httpcore2.Request
) -> httpcore2.Response:
    """The answer to a request, its body not yet read.

    Raises Unreachable, GuardRefused among it, and BadAnswer for a compressed one.
    """
    try:
        response = await pool.handle_async_request(request)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        reason = str(error) or "the server does not answer"
        raise Unreachable(f"No connection to the server: {reason}.", executed="no") from None
    except httpcore2.LocalProtocolError:
        # The library's text would repeat the header, which may be a credential.
        raise Unreachable("A header of this server is not valid.", executed="no") from None
    except answers.BROKEN:
        raise Unreachable("The connection broke, or the server does not speak HTTP.") from None
    try:
        answers.check_encoding(response)
    except BadAnswer:
        await response.aclose()
        raise
    return response
