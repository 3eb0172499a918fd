"""A server that takes no handshake is spoken to in the stateless generation after all."""

import sys
from pathlib import Path

import pytest

from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Rejected

MODERN = "2026-07-28"
# Answers who it is only once it was offered a handshake, which it refuses.
SLOW = """
import json, sys
offered = False
for line in sys.stdin:
    asked = json.loads(line)
    method, head = asked.get("method"), {"jsonrpc": "2.0", "id": asked.get("id")}
    result = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    if method == "initialize":
        offered = True
        error = {"code": -32600, "message": "no handshake here"}
        print(json.dumps({**head, "error": error}), flush=True)
    elif method == "server/discover" and offered and "never" not in sys.argv:
        known = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        print(json.dumps({**head, "result": {**result, **known}}), flush=True)
    elif method == "server/discover" and offered:
        error = {"code": -32601, "message": "unknown"}
        print(json.dumps({**head, "error": error}), flush=True)
    elif method == "tools/list":
        print(json.dumps({**head, "result": {**result, "tools": []}}), flush=True)
"""


@pytest.fixture
def argv(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    return (sys.executable, "-S", str(script))


@pytest.mark.parametrize("hint", ["", "2025-11-25"])
def test_one_that_was_slow_to_say_so_or_is_another_than_last_time(
    client: Connections, argv: tuple[str, ...], hint: str
) -> None:
    # Half of the time to connect is for the first question, which is not answered.
    seconds = 10.0 if hint else 1.0
    endpoint = Endpoint("slow", "stdio", argv=argv, connect_timeout=seconds, generation_hint=hint)
    assert client.list_tools(endpoint).protocol_version == MODERN


def test_what_refuses_both_is_told_as_it_refused_the_handshake(
    client: Connections, argv: tuple[str, ...]
) -> None:
    endpoint = Endpoint("slow", "stdio", argv=(*argv, "never"), generation_hint="2025-11-25")
    with pytest.raises(Rejected, match="no handshake here"):
        client.list_tools(endpoint)
