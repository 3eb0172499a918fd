"""Servers that live in this process: asked by a call of a function, without socket or session.

A room that has one brings it here (`bring`); the client finds it by its name. It answers what the
client asks of any server: its tools, and the call of one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.mcp.asking import CALL, Listing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Rejected, Unreachable

_METHOD_NOT_FOUND = -32601


@dataclass(frozen=True)
class InProcess:
    """A server's face: its tools as MCP spells them; `call` takes name, arguments and account.

    `call` is to refuse an account that may not have the answer, whoever let the call through.
    """

    tools: Callable[[], list[dict[str, Any]]]
    call: Callable[[str, Mapping[str, Any], int | None], dict[str, Any]]
    instructions: str = ""


_known: dict[str, InProcess] = {}


def bring(name: str, server: InProcess) -> None:
    """Make a server known to the client of this process."""
    _known[name] = server


def find(endpoint: Endpoint) -> InProcess:
    """The server of this endpoint. Raises Unreachable where there is none of its name."""
    if endpoint.name not in _known:
        raise Unreachable("This is no server that OMNI2 has in itself.", executed="no")
    return _known[endpoint.name]


def ask(endpoint: Endpoint, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The raw result of a request; it calls tools and nothing else."""
    server = find(endpoint)
    if method != CALL:
        raise Rejected("It has tools and nothing else.", rpc_code=_METHOD_NOT_FOUND)
    return server.call(params["name"], params["arguments"], endpoint.account)


def listed(endpoint: Endpoint) -> Listing:
    """What the server offers."""
    server = find(endpoint)
    return Listing(server.tools(), "", {"name": endpoint.name}, server.instructions)
