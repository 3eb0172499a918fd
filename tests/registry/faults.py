"""How a call ends where the server misbehaves."""

from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import UpstreamError
from tests.fakes.faulty_upstream import Answer, faulty


def failure(client: Connections, answer: Answer, timeout: float = 10, **how: Any) -> UpstreamError:
    """What a call ends with where the server answers it so."""
    with faulty(answer, **how) as upstream, pytest.raises(UpstreamError) as caught:
        client.call_tool(upstream.endpoint(), "t", {}, timeout=timeout)
    client.close_all()
    return caught.value
