"""What clients are told to connect: whole, with the key, and nothing else of anybody's."""

import json
import shlex

from accounts.mcp_clients import configurations

URL = "https://omni.example.com/mcp"
KEY = "omni2_0123456789ab_secret"


def test_each_client_gets_the_address_and_the_key(settings):
    settings.PUBLIC_URL = "https://omni.example.com"
    found = {one.client: one.text for one in configurations(KEY)}
    terminal = [shlex.split(found[name]) for name in ("Claude Code", "MCP Inspector")]
    entries = {
        name: next(iter(json.loads(found[name]).values()))["omni2"]
        for name in ("VS Code", "Cursor", "Claude Desktop")
    }

    assert all(URL in words and f"Authorization: Bearer {KEY}" in words for words in terminal)
    assert entries["Cursor"] == {"url": URL, "headers": {"Authorization": f"Bearer {KEY}"}}
    assert entries["VS Code"] == {"type": "http", **entries["Cursor"]}
    assert URL in entries["Claude Desktop"]["args"]
    assert entries["Claude Desktop"]["env"] == {"OMNI2_AUTHORIZATION": f"Bearer {KEY}"}


def test_without_a_key_there_is_a_place_for_one():
    assert all("omni2_…" in one.text for one in configurations())
