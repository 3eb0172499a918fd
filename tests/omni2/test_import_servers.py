"""mcps.yaml: what a server and a rule must be, each error with its line; what becomes of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.credentials import headers_of, unseal
from registry.models import Server
from tests.omni2.importing import URL, problems, run, server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deployment(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:1"]
    settings.STDIO_COMMANDS = [["run", "--port", "7"]]
    monkeypatch.setenv("API_KEY", "k-from-environment")


# --- Names ---
SHAPE = "a server's name is 1 to 32 letters, digits, _ and -, beginning with no sign"
OWN = "gateway, omni2 and names beginning with omni2_ or omni2- are OMNI2's own"
DIVIDES = "__ divides server from tool, so no name holds or begins it"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a", None),
        ("A-b_1", None),
        ("x" * 32, None),
        ("omni2x", None),
        ("x" * 33, SHAPE),
        ("-a", SHAPE),
        ("_a", SHAPE),
        ("a b", SHAPE),
        ("a ", SHAPE),
        ("a\n", SHAPE),
        ("ä", SHAPE),
        ("a/b", SHAPE),
        ("a.b", SHAPE),
        ("a__b", DIVIDES),
        ("a_", DIVIDES),
        ("omni2", OWN),
        ("OMNI2", OWN),
        ("omni2_analytics", OWN),
        ("Omni2-x", OWN),
    ],
)
def test_name_of_a_server(name: str, said: str | None, tmp_path: Path) -> None:
    expected = [f"mcps.yaml:3: mcps[0].name: {said}"] if said else []
    assert problems(tmp_path, mcps=server(name=name)) == expected


def test_name_is_unique_without_case_in_the_file_and_in_the_registry(tmp_path: Path) -> None:
    text = f"mcps:\n- {{name: Time, url: '{URL}'}}\n- {{name: time, url: '{URL}'}}\n"
    assert problems(tmp_path, mcps=text) == [
        "mcps.yaml:3: mcps[1].name: is the name of the server in line 2 already"
    ]
    Server.objects.create(name="ONE", transport="http")
    assert problems(tmp_path, mcps=server()) == [
        "mcps.yaml:3: mcps[0].name: is registered as ONE, and case makes no difference"
    ]


# --- Addresses and commands ---
@pytest.mark.parametrize(
    ("protocol", "transport"),
    [("http", "http"), ("http_streamable", "http"), ("sse", "sse"), (None, "http")],
)
def test_protocol_becomes_the_transport(
    protocol: str | None, transport: str, tmp_path: Path
) -> None:
    run(tmp_path, mcps=server(protocol=protocol))
    assert Server.objects.get().transport == transport


HINT = "(internal ones are listed as host:port in OMNI2_INTERNAL_ADDRESSES)"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "http://127.0.0.1:2/mcp",
            "Plain http is only for listed addresses; 127.0.0.1:2 is not one.",
        ),
        ("https://127.0.0.1:2/mcp", "127.0.0.1:2 is not a public address, nor is it listed."),
        ("http://[0::1]:2/mcp", "Plain http is only for listed addresses; [::1]:2 is not one."),
        ("https://[fe80::1%25eth0]/mcp", "An IPv6 address with a zone (%) is never dialled."),
        (
            "https://u:p@127.0.0.1:1/",
            "Not a plain http(s) URL: no user name, white space, backslash or fragment is allowed.",
        ),
        (
            "file:///etc/passwd",
            "A URL begins with https:// (or http:// for a listed address), in small letters.",
        ),
    ],
)
def test_url_must_be_public_or_listed(url: str, said: str, tmp_path: Path) -> None:
    assert problems(tmp_path, mcps=server(url=url)) == [f"mcps.yaml:4: mcps[0].url: {said} {HINT}"]


@pytest.mark.parametrize("listed", ["[::1]:8080", "[0:0:0:0:0:0:0:1]:8080"])
def test_an_ipv6_address_is_imported_where_it_is_listed(
    settings: Any, listed: str, tmp_path: Path
) -> None:
    settings.INTERNAL_ADDRESSES = [listed]
    run(tmp_path, mcps=server(url="http://[::1]:8080/mcp"))
    assert Server.objects.get().url == "http://[::1]:8080/mcp"


STDIO = {"protocol": "stdio", "url": None, "command": "run"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"url": None}, ["mcps.yaml:3: mcps[0]: url is missing"]),
        (
            {"command": "run", "args": [], "cwd": "/", "env": {}},
            [
                f"mcps.yaml:{line}: mcps[0].{key}: {key} needs protocol: stdio"
                for line, key in enumerate(("command", "args", "cwd", "env"), start=5)
            ],
        ),
        (STDIO | {"command": None}, ["mcps.yaml:3: mcps[0]: command is missing"]),
        (
            STDIO | {"url": URL, "args": ["--port", "7"]},
            ["mcps.yaml:4: mcps[0].url: a server of protocol stdio has a command, no url"],
        ),
    ],
)
def test_keys_that_do_not_belong_to_the_protocol_are_refused(
    keys: dict[str, Any], said: list[str], tmp_path: Path
) -> None:
    assert problems(tmp_path, mcps=server(**keys)) == said


def test_variable_that_steers_the_command_is_refused(tmp_path: Path) -> None:
    text = server(**STDIO, args=["--port", "7"], env={"LD_PRELOAD": "/x.so"})
    [said] = problems(tmp_path, mcps=text)
    assert said.startswith("mcps.yaml:7: mcps[0].env: server one: the variable LD_PRELOAD could ")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--port"],
        ["--port", "8"],
        ["--port", "7", "--eval"],
        ["--port 7"],
        ["-c", "--port", "7"],
    ],
)
def test_command_that_the_deployment_does_not_list_whole_is_refused(
    args: list[str], tmp_path: Path
) -> None:
    argv = json.dumps(["run", *args])
    assert problems(tmp_path, mcps=server(**STDIO, args=args)) == [
        f"mcps.yaml:5: mcps[0].command: this deployment does not allow the command {argv}; "
        f'whoever runs it may set OMNI2_STDIO_COMMANDS=[["run", "--port", "7"], {argv}]'
    ]


def test_the_list_that_is_offered_lets_the_file_in(tmp_path: Path, settings: Any) -> None:
    settings.STDIO_COMMANDS = []
    text = (
        "mcps:\n- {name: a, protocol: stdio, command: one}\n"
        "- {name: b, protocol: stdio, command: two, args: [x]}\n"
    )
    said = problems(tmp_path, mcps=text)
    offered = {problem.split("OMNI2_STDIO_COMMANDS=")[1] for problem in said}
    assert len(said) == 2
    settings.STDIO_COMMANDS = json.loads(offered.pop())
    assert (offered, problems(tmp_path, mcps=text)) == (set(), [])
    assert list(Server.objects.values_list("argv", flat=True)) == [["one"], ["two", "x"]]


def test_variables_in_a_command_are_filled_in_before_it_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "7")
    text = server(**STDIO, args=["--port", "${PORT}"])
    assert problems(tmp_path, mcps=text) == []
    monkeypatch.setenv("PORT", "8")
    assert len(problems(tmp_path, mcps=text)) == 1


# --- Authentication ---
@pytest.mark.parametrize(
    ("said", "headers"),
    [
        ({"type": "bearer", "api_key": "k-12345"}, {"Authorization": "Bearer k-12345"}),
        (
            {"enabled": True, "type": "bearer", "api_key": "${API_KEY}"},
            {"Authorization": "Bearer k-from-environment"},
        ),
        (
            {"type": "basic", "username": "u", "password": "p-12345"},
            {"Authorization": "Basic dTpwLTEyMzQ1"},
        ),
        ({"type": "api_key", "api_key": "k-12345"}, {"X-API-Key": "k-12345"}),
        ({"type": "api_key", "api_key": "k-12345", "header_name": "X-K"}, {"X-K": "k-12345"}),
        ({"type": "header", "header_name": "X-H", "header_value": "v-12345"}, {"X-H": "v-12345"}),
        ({"enabled": False, "type": "bearer", "api_key": "k-12345"}, {}),
        ({"enabled": False}, {}),
    ],
)
def test_authentication_becomes_the_servers_headers(
    said: dict[str, Any], headers: dict[str, str], tmp_path: Path
) -> None:
    run(tmp_path, mcps=server(authentication=said))
    assert headers_of(Server.objects.get()) == headers


@pytest.mark.parametrize(
    "said",
    [
        {"type": "oauth"},
        {"type": "oauth", "client_id": "c", "scope": "a b"},
        {
            "type": "oauth",
            "client_id": "c",
            "client_secret": "s-12345",
            "issuer": "https://1.1.1.1",
        },
        {
            "type": "client_credentials",
            "client_id": "c",
            "client_secret": "s-12345",
            "issuer": "https://1.1.1.1",
            "scope": "a",
        },
    ],
)
def test_oauth_is_stored_as_it_was_said(said: dict[str, Any], tmp_path: Path) -> None:
    run(tmp_path, mcps=server(authentication=said))
    row = Server.objects.get()
    values = {name: value for name, value in said.items() if name != "type"}
    assert (row.authentication, unseal(row.sealed).get("authentication", {})) == (
        said["type"],
        values,
    )


def test_reference_is_stored_by_name_and_a_value_encrypted(tmp_path: Path) -> None:
    env = {"A": "${API_KEY}", "B": "${NOT_SET_HERE:-unset-value-of-b}", "C": "written out"}
    run(tmp_path, mcps=server(**STDIO, args=["--port", "7"], env=env))
    sealed = Server.objects.get().sealed
    assert unseal(sealed) == {
        "env": {"A": "${API_KEY}", "B": "unset-value-of-b", "C": "written out"}
    }
    assert "written" not in sealed


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (
            {"enabled": True},
            ": type is missing: bearer, basic, api_key, header, oauth, client_credentials",
        ),
        (
            {"api_key": "k"},
            ": type is missing: bearer, basic, api_key, header, oauth, client_credentials",
        ),
        ({"type": "bearer"}, ": api_key is missing for type bearer"),
        (
            {"type": "oauth", "client_id": "c", "client_secret": "s"},
            ": server one: issuer is needed beside a client",
        ),
        (
            {"type": "client_credentials", "client_id": "c", "client_secret": "s"},
            ": issuer is missing for type client_credentials",
        ),
        ({"type": "basic", "password": "p"}, ": username is missing for type basic"),
        ({"type": "bearer", "api_key": ""}, ".api_key: must not be empty"),
        (
            {"type": "bearer", "api_key": "${NOT_SET_HERE}"},
            ".api_key: the environment variable NOT_SET_HERE is not set",
        ),
        (
            {"type": "bearer", "api_key": "${ANTHROPIC_API_KEY}"},
            ".api_key: ANTHROPIC_API_KEY is a secret of OMNI2 itself and must not be used here",
        ),
        (
            {"type": "header", "header_name": "Host", "header_value": "v"},
            ": server one: the header Host belongs to the transport",
        ),
    ],
)
def test_authentication_that_could_not_work_is_refused(
    said: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk")
    found = problems(tmp_path, mcps=server(authentication=said))
    assert found == [f"mcps.yaml:5: mcps[0].authentication{problem}"]


def test_keys_that_the_type_does_not_take_are_noted(tmp_path: Path) -> None:
    said = {"type": "bearer", "api_key": "k-12345", "username": "u"}
    report = run(tmp_path, mcps=server(authentication=said))
    assert list(map(str, report.notes)) == [
        "mcps.yaml: no effect here: mcps[0].authentication.username (line 5), "
        "because type is bearer"
    ]


# --- Values of servers ---
def test_general_values_hold_for_servers_that_say_nothing(tmp_path: Path) -> None:
    text = f"""
        global:
          default_timeout_seconds: 9
          retry: {{max_attempts: 2, delay_seconds: 3, connection_max_age_seconds: 60}}
        mcps:
        - {{name: a, url: "{URL}"}}
        - {{name: b, url: "{URL}", timeout_seconds: 5, retry: {{max_attempts: 4}}}}
        """
    run(tmp_path, mcps=text)
    columns = (
        "timeout_seconds",
        "retry_attempts",
        "retry_delay_seconds",
        "connection_max_age_seconds",
    )
    assert list(Server.objects.values_list(*columns)) == [(9, 2, 3, 60), (5, 4, 3, 60)]
