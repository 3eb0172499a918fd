"""The files in config/ import as they are, and their own tests guard every layer."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from omni2.demo.place import ROOT, Place, stdio_commands, variables
from registry.models import Server
from tests.omni2.importing import command, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = Place(tmp_path / "demo")
    for name, value in variables(place, ROOT, web=1, spreadsheets=2).items():
        if name.startswith("OMNI2_DEMO"):
            monkeypatch.setenv(name, value)
    settings.STDIO_COMMANDS = stdio_commands(place, ROOT)
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:2"]


@pytest.mark.usefixtures("demo")
def test_examples_import_without_a_warning_and_their_own_tests_pass() -> None:
    printed = command("import_config")
    assert [line for line in printed if line.startswith("warning")] == []
    assert "tests of the file: 17 run" in printed
    assert sorted(Server.objects.values_list("name", flat=True)) == [
        "database_mcp",
        "git",
        "spreadsheets",
        "time",
    ]
    assert command("import_config")[-1] == "nothing to change"


@pytest.mark.usefixtures("demo")
def test_examples_show_all_ten_layers(tmp_path: Path) -> None:
    texts = [(ROOT / "config" / name).read_text() for name in ("mcps.yaml", "users.yaml")]
    shown = [number for number in range(1, 11) if f"Layer {number}" in "\n".join(texts)]
    assert shown == list(range(1, 11))


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("layer", "file", "rule", "without"),
    [
        (2, "mcps.yaml", "    - git/git_reset\n", ""),
        (2, "mcps.yaml", "  dangerous:\n    - delete_*\n", "  dangerous:\n"),
        (3, "mcps.yaml", "    - git/git_commit\n", ""),
        (4, "mcps.yaml", "exclude: [create_table, ", "exclude: ["),
        (5, "users.yaml", "viewer\n    allowed_mcps: [time]", 'developer\n    allowed_mcps: "*"'),
        (6, "users.yaml", "tools: [list_*, describe_table]", "tools: [describe_table]"),
        (7, "mcps.yaml", "deny: [git_add, ", "deny: ["),
        (8, "mcps.yaml", "default_effect: deny", "default_effect: allow"),
        (9, "mcps.yaml", 'deny: ["*..*", "/*"]', "deny: [nothing]"),
        (10, "mcps.yaml", "    - database_mcp/write_query\n", "    - database_mcp/other\n"),
    ],
)
def test_tests_of_the_examples_notice_when_a_rule_goes(
    layer: int, file: str, rule: str, without: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(ROOT / "config", tmp_path / "config")
    text = (folder / file).read_text()
    assert rule in text
    (folder / file).write_text(text.replace(rule, without))
    _, said = refused("import_config", str(folder))
    assert [line for line in said if "the test fails" not in line] == [], layer
    assert Server.objects.exists() is False
