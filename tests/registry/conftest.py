"""What the registry's tests share: a client of their own and a running fake server."""

import sys
from collections.abc import Iterator

import pytest

from registry.mcp.client import Connections
from tests.fakes.mcp_server import Upstream, serve


@pytest.fixture
def client() -> Iterator[Connections]:
    """An MCP client whose connections end with the test."""
    found = Connections()
    yield found
    found.close_all()
    if stdio := sys.modules.get("registry.mcp.stdio"):
        stdio.supervisor.forget()


@pytest.fixture(scope="session")
def shared_fake() -> Iterator[Upstream]:
    with serve() as running:
        yield running


@pytest.fixture
def fake(shared_fake: Upstream) -> Upstream:
    """A fake server of both generations, with an empty log."""
    shared_fake.calls.clear()
    shared_fake.requests.clear()
    shared_fake.cancelled.clear()
    return shared_fake
