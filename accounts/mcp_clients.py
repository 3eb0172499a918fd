"""How common MCP clients are told to connect here: text to copy, whole but for a key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

PLACEHOLDER = "omni2_…"


@dataclass(frozen=True)
class Configuration:
    """What one client wants, and where it goes."""

    client: str
    place: str
    text: str


def configurations(key: str = PLACEHOLDER) -> tuple[Configuration, ...]:
    """A configuration for each client that is known here, with this key in it."""
    url, header = f"{settings.PUBLIC_URL}/mcp", f"Bearer {key}"
    headers = {"Authorization": header}
    # A client that only starts programs: mcp-remote speaks HTTP for it.
    bridge = {
        "command": "npx",
        "args": ["-y", "mcp-remote", url, "--header", "Authorization:${OMNI2_AUTHORIZATION}"],
        "env": {"OMNI2_AUTHORIZATION": header},
    }
    return (
        Configuration(
            "Claude Code",
            "in a terminal",
            f'claude mcp add --transport http omni2 {url} --header "Authorization: {header}"',
        ),
        _file(
            "VS Code",
            ".vscode/mcp.json",
            "servers",
            {"type": "http", "url": url, "headers": headers},
        ),
        _file("Cursor", "~/.cursor/mcp.json", "mcpServers", {"url": url, "headers": headers}),
        _file("Claude Desktop", "claude_desktop_config.json", "mcpServers", bridge),
        Configuration(
            "MCP Inspector",
            "in a terminal",
            f"npx @modelcontextprotocol/inspector --cli {url} --transport http"
            f' --method tools/list --header "Authorization: {header}"',
        ),
    )


def _file(client: str, place: str, part: str, entry: Mapping[str, Any]) -> Configuration:
    text = json.dumps({part: {"omni2": entry}}, indent=2, ensure_ascii=False)
    return Configuration(client, place, text)
