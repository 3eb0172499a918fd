"""The demo: its sample data, how it judges an answer, its children, and the whole of it once."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accounts.models import SetupLink, User
from omni2.demo import samples, story
from omni2.demo.children import Children, DidNotStart
from omni2.demo.place import ROOT, Place, free_port, stdio_commands, variables
from omni2.demo.surroundings import setting_names, without_settings
from omni2.management.commands.up import FIRST_ADMINISTRATOR, server_command, setup_link


# --- Sample data ---
def test_shop_has_rows_in_each_table_and_whole_references(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.sqlite3"
    samples.make_shop(path)
    assert story.table_names(path) == ["customers", "orders", "products"]
    database = sqlite3.connect(path)
    counts = [
        database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("customers", "orders", "products")
    ]
    broken = database.execute("PRAGMA foreign_key_check").fetchall()
    database.close()
    assert (counts, broken) == ([6, 60, 5], [])


def test_shop_that_is_there_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    path.write_text("mine")
    samples.make_shop(path)
    assert path.read_text() == "mine"


def test_repository_made_for_the_demo_has_commits(tmp_path: Path) -> None:
    samples.make_repository(tmp_path / "repository")
    assert story.latest_subject(tmp_path / "repository") == "Count the stock"


# --- Its settings ---
def test_demo_reads_and_writes_nothing_of_a_deployment(tmp_path: Path) -> None:
    deployment = dict.fromkeys(setting_names(), "theirs") | {"PATH": "/bin"}
    place = Place(tmp_path)
    values = without_settings(deployment) | variables(place, tmp_path, web=1, spreadsheets=2)
    assert "theirs" not in values.values()
    assert values["PATH"] == "/bin"
    assert (values["OMNI2_ENV_FILE"], values["OMNI2_DATA_DIR"]) == (os.devnull, str(place.data))


def test_names_of_settings_are_those_that_the_settings_read() -> None:
    some = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ANTHROPIC_API_KEY", "OMNI2_STDIO_COMMANDS"}
    assert some <= setting_names()


def test_allowed_commands_are_the_ones_the_example_configuration_names(tmp_path: Path) -> None:
    place, repository = Place(tmp_path / "demo"), tmp_path / "clone"
    values = variables(place, repository, web=1, spreadsheets=2)
    text = (ROOT / "config" / "mcps.yaml").read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    servers = {server["name"]: server for server in YAML(typ="safe").load(text)["mcps"]}
    named = [
        [servers[name]["command"], *servers[name].get("args", [])]
        for name in ("time", "git", "database_mcp")
    ]
    assert named == stdio_commands(place, repository)
    assert servers["spreadsheets"]["url"] == values["OMNI2_DEMO_SPREADSHEETS_URL"]


def test_port_that_is_taken_is_not_given_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert free_port(taken.getsockname()[1]) != taken.getsockname()[1]


# --- Its children ---
def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_children_end_with_what_they_have_started(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    script = (
        f"trap '' TERM; sleep 60 & echo $! $$ > {noted}.new; mv {noted}.new {noted}; wait; wait"
    )
    with Children(tmp_path / "logs") as children:
        children.start("stubborn", ["sh", "-c", script])
        while not noted.exists():
            time.sleep(0.01)
        pids = [int(pid) for pid in noted.read_text().split()]
        assert [running(pid) for pid in pids] == [True, True]
        children.stop(patience=0.1)
    # A kill is sent to both at once, and the grandchild is nobody's here to wait for.
    soon = time.monotonic() + 5
    while any(map(running, pids)) and time.monotonic() < soon:
        time.sleep(0.01)
    assert [running(pid) for pid in pids] == [False, False]


def test_child_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    with Children(tmp_path / "logs") as children:
        children.start("web", ["sh", "-c", "echo port taken; exit 1"])
        with pytest.raises(DidNotStart, match=r"web server did not start(.|\n)*port taken"):
            children.wait_for("web", f"http://127.0.0.1:{free_port()}/", seconds=5)


# --- Serving ---
@pytest.mark.django_db
def test_first_start_makes_an_administrator_without_a_password() -> None:
    link = setup_link()
    administrator = User.objects.get()
    assert (administrator.email, administrator.is_superuser) == (FIRST_ADMINISTRATOR, True)
    assert administrator.has_usable_password() is False
    found = SetupLink.find(link.rsplit("/", 1)[1])
    assert found is not None and found.user == administrator


@pytest.mark.django_db
def test_setup_link_is_for_the_administrator_who_was_imported() -> None:
    imported = User.objects.create(email="root@example.com", is_superuser=True)
    found = SetupLink.find(setup_link().rsplit("/", 1)[1])
    assert found is not None and found.user == imported
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_no_setup_link_once_an_administrator_can_log_in() -> None:
    User.objects.create_superuser("root@example.com", "correct horse battery")
    assert (setup_link(), SetupLink.objects.count()) == ("", 0)


@pytest.mark.parametrize(
    ("redis", "concurrency", "workers"),
    [("", "", ["1"]), ("", "3", ["1"]), ("redis://x", "", ["2"]), ("redis://x", "3", [])],
)
def test_web_server_is_one_process_unless_redis_connects_several(
    settings: Any, monkeypatch: pytest.MonkeyPatch, redis: str, concurrency: str, workers: list[str]
) -> None:
    settings.REDIS_URL = redis
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    if concurrency:
        # gunicorn reads it where nothing else is said.
        monkeypatch.setenv("WEB_CONCURRENCY", concurrency)
    command = server_command("127.0.0.1", 8000)
    given = [after for word, after in pairwise(command) if word == "--workers"]
    assert given == workers


@pytest.mark.parametrize(
    ("host", "bound"),
    [("0.0.0.0", "0.0.0.0:8000"), ("::1", "[::1]:8000"), ("[::]", "[::]:8000")],
)
def test_web_server_is_told_ipv6_addresses_in_brackets(host: str, bound: str) -> None:
    command = server_command(host, 8000)
    assert command[command.index("--bind") + 1] == bound


# --- The whole of it ---
@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo folder of its own that borrows the servers' environments."""
    servers = ROOT / ".demo" / "servers"
    if not servers.exists():
        reason = "the demo's servers are not installed; make test and make demo do that"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("demo")
    (folder / "servers").symlink_to(servers)
    return folder


def hears_ctrl_c() -> None:
    """As at a terminal; a child of tests that run in a shell's background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def demo(demo_folder: Path) -> Iterator[Any]:
    """Starts `python -m omni2.demo`; whatever is still running afterwards is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "omni2.demo", *options],
            cwd=ROOT,
            env=os.environ | {"OMNI2_DEMO_DIR": str(demo_folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=hears_ctrl_c,
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def told(demo: Any) -> str:
    """What `make demo ARGS=--once` prints; it has ended by itself, with 0."""
    child = demo("--once")
    printed = str(child.communicate(timeout=170)[0])
    assert child.returncode == 0, printed
    return printed


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_whole_demo_answers_three_questions_right_by_three_servers(told: str) -> None:
    called = [line.split()[1] for line in told.splitlines() if line.startswith("  call ")]
    assert told.count("  Right, ") == 3
    assert {call.split("/")[0] for call in called} == {"time", "git", "database_mcp"}
    on_record = [told.count(f"{kind} ") for kind in ("call.calling pending", "call.called ok")]
    assert on_record == [len(called), len(called)]


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_example_configuration_names_tools_that_the_servers_have(
    told: str, demo_folder: Path
) -> None:
    database = sqlite3.connect(demo_folder / "data" / "omni2.sqlite3")
    tools = database.execute(
        "SELECT server.name, tool.name FROM registry_tool tool"
        " JOIN registry_server server ON server.id = tool.server_id"
    ).fetchall()
    database.close()
    unknown = [
        (server, pattern)
        for server, pattern in named_patterns()
        if not any(server == of and fnmatchcase(name, pattern) for of, name in tools)
    ]
    assert unknown == []


def named_patterns() -> list[tuple[str, str]]:
    """Each pattern that `config/mcps.yaml` writes for one server, with that server."""
    document = YAML(typ="safe").load((ROOT / "config" / "mcps.yaml").read_text())
    named = []
    for server in document["mcps"]:
        rules = [server.get("tool_policy", {}), *server.get("role_restrictions", {}).values()]
        lists = [value for rule in rules for value in rule.values() if isinstance(value, list)]
        named += [(server["name"], pattern) for patterns in lists for pattern in patterns]
    groups = [pattern for patterns in document["tool_patterns"].values() for pattern in patterns]
    named += [tuple(pattern.split("/")) for pattern in groups if "/" in pattern]
    return [(server, pattern) for server, pattern in named if not pattern.startswith("@")]


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_demo_serves_until_interrupted_and_leaves_nothing_running(
    demo: Any, told: str, demo_folder: Path
) -> None:
    child = demo()
    lines = []
    for line in child.stdout:
        lines.append(line)
        if line.startswith("Serving until"):
            break
    answered = subprocess.run(curl_line(lines), shell=True, capture_output=True, text=True)
    assert json.loads(answered.stdout)["state"] == "answered", answered.stdout
    typed = terminal_line(lines, demo_folder)
    asked = subprocess.run(typed, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (asked.returncode, "Europe/Lisbon" in asked.stdout) == (0, True), asked.stderr
    child.send_signal(signal.SIGINT)
    child.wait(30)
    left = subprocess.run(["pgrep", "-f", str(demo_folder)], capture_output=True, text=True)
    assert (child.returncode, left.stdout) == (0, "")


def curl_line(lines: list[str]) -> str:
    """The command the demo tells people to try."""
    return next(line for line in lines if line.lstrip().startswith("Try")).split(None, 1)[1]


def terminal_line(lines: list[str], demo_folder: Path) -> str:
    """The command line it shows for the terminal, told of the folder of this demo."""
    line = next(line for line in lines if line.lstrip().startswith("Terminal"))
    return f"OMNI2_DEMO_DIR={demo_folder} {line.split(None, 1)[1]}"
