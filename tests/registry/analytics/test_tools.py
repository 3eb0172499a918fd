"""How the tools are listed and called: sound objects, tables that hold whatever names there are."""

import pytest

from registry import schemas
from registry.analytics.tools import BY_NAME, TOOLS, as_table
from registry.naming import check_server_name
from registry.own import NAME


@pytest.mark.parametrize("tool", TOOLS, ids=lambda one: one.name)
def test_every_tool_declares_that_it_only_reads(tool) -> None:
    described = tool.described()
    assert described["annotations"] == {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    }
    taken = described["inputSchema"]
    assert schemas.validate(taken, {}) == []
    assert schemas.validate(taken, {"period": "last_week", "limit": 50}) == []
    for bad in ({"period": "ever"}, {"limit": 0}, {"limit": 51}, {"sql": "x"}, {"by": "colour"}):
        assert schemas.validate(taken, bad) != []


@pytest.mark.parametrize("tool", TOOLS, ids=lambda one: one.name)
def test_every_tool_answers_where_nothing_has_happened(db, tool) -> None:
    result = tool.called({})
    assert result["content"][0]["text"].startswith(f"{tool.title}, ")
    assert isinstance(result["structuredContent"]["rows"], list)


def test_plurals_mean_the_same(db) -> None:
    said = [BY_NAME["slowest"].called({"by": by}) for by in ("tool", "tools")]
    assert said[0] == said[1]


def test_a_name_breaks_no_table() -> None:
    rows = [{"tool": "a|b\n| c", "left_alone": True}, {"tool": "d", "mean_ms": None, "calls": 3}]
    assert as_table(rows).splitlines() == [
        "| tool | left_alone | mean_ms | calls |",
        "| --- | --- | --- | --- |",
        "| a\\|b \\| c | yes | – | – |",
        "| d | – | – | 3 |",
    ]


def test_nobody_else_can_have_a_server_of_this_name() -> None:
    assert check_server_name(NAME) == f"{NAME} is reserved for the gateway's own tools"
