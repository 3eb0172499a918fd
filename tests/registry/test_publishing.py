"""What MCP clients call a tool: one name, one tool, for everybody."""

import pytest

from registry import publishing
from registry.models import Server, Tool

pytestmark = pytest.mark.django_db


def server(name, *tools, prefix=True):
    made = Server.objects.create(name=name, transport="http", tool_prefix=prefix)
    for tool in tools:
        made.tools.create(name=tool, qualified_name=f"{name}__{tool}", fingerprint="f")


def named():
    return {name: str(tool) for name, tool in publishing.names().tools.items()}


def test_a_tool_is_called_with_its_server_unless_that_asks_for_no_prefix():
    server("crm", "find")
    server("wiki", "read", prefix=False)

    assert named() == {"crm__find": "crm/find", "read": "wiki/read"}
    assert publishing.names().of == {"crm__find": "crm__find", "wiki__read": "read"}


def test_where_two_would_share_a_name_both_keep_the_prefix():
    server("wiki", "read", "crm__find", prefix=False)
    server("files", "read", "write", prefix=False)
    server("crm", "find")

    assert named() == {
        "wiki__read": "wiki/read",
        "files__read": "files/read",
        "write": "files/write",
        "wiki__crm__find": "wiki/crm__find",
        "crm__find": "crm/find",
    }


def test_our_own_notes_on_how_a_tool_is_called_are_nobodys_business():
    def shown(meta):
        return publishing.published(Tool(definition={"name": "x", **meta}))

    notes = {"omni2/operation": {"path": "/internal"}}
    assert shown({"_meta": notes}) == shown({}) == {"name": "x"}
    assert shown({"_meta": {**notes, "a": 1}}) == {"name": "x", "_meta": {"a": 1}}


def test_a_change_is_seen_at_once():
    server("wiki", "read")
    before = named()
    Server.objects.update(tool_prefix=False)

    assert (before, named()) == ({"wiki__read": "wiki/read"}, {"read": "wiki/read"})
