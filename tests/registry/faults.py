"""How a call ends where the server misbehaves."""

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import UpstreamError
from tests.fakes.faulty_upstream import Answer, faulty

GENERATIONS = {"2026-07-28, by the calling thread": True, "2025-11-25, over the loop": False}


def failure(client: Connections, answer: Answer, timeout: float = 10) -> UpstreamError:
    """What a call ends with where the server answers it so: the same in both generations."""
    ends = [failure_of(client, answer, timeout, modern=modern) for modern in GENERATIONS.values()]
    first, second = ((type(end), end.executed, end.status, end.message) for end in ends)
    assert first == second
    return ends[0]


def failure_of(
    client: Connections, answer: Answer, timeout: float = 10, *, modern: bool
) -> UpstreamError:
    """What a call ends with where a server of this generation answers it so."""
    with faulty(answer, modern=modern) as upstream, pytest.raises(UpstreamError) as caught:
        client.call_tool(upstream.endpoint(), "t", {}, timeout=timeout)
    client.close_all()
    return caught.value
