"""Every key that is said to be applied is: another value of it asks for other rows.

That each value asked for reaches its row is shown by `tests/registry/test_importing.py` and
`tests/accounts/test_importing.py`.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from omni2.configuration.describe import rows
from omni2.configuration.importing import Plan, read_files
from omni2.configuration.problems import ConfigurationRefused, Report
from omni2.configuration.shapes import Applied, Either, ListOf, MapOf, Section, Shape, Stored
from omni2.configuration.vocabulary import VOCABULARIES
from omni2.configuration.vocabulary.people import PERMISSIONS
from registry.models import Server
from tests.omni2.importing import write

Way = tuple[str | int, ...]
MCPS: dict[str, Any] = {
    "global": {
        "default_timeout_seconds": 9,
        "retry": {"max_attempts": 2, "delay_seconds": 2, "connection_max_age_seconds": 60},
        "default_effect": "deny",
        "blocked_tools": ["drop_*"],
        "admin_only_tools": ["set_*"],
    },
    "mcps": [
        {
            "name": "one",
            "display_name": "One",
            "protocol": "http",
            "url": "http://127.0.0.1:1/mcp",
            "enabled": True,
            "timeout_seconds": 5,
            "description": "first",
            "tags": ["a"],
            "retry": {"max_attempts": 3, "delay_seconds": 3, "connection_max_age_seconds": 30},
            "authentication": {"enabled": True, "type": "basic", "username": "u", "password": "p"},
            "tool_policy": {"mode": "allow_all_except", "exclude": ["x_*"]},
            "role_restrictions": {
                "r1": {"allow_all": True},
                "r2": {"deny_all": True},
                "r3": {"allow_only": ["a_*"]},
                "r4": {"deny": ["b_*"]},
                "r5": {"allow_all_except": ["c_*"]},
            },
            "rate_limit": {"requests_per_minute": 10, "burst": 2},
            "argument_defaults": {"ARGUMENT": 1},
            "trust": "manual",
            "tool_prefix": False,
            "concurrent_calls": 3,
            "fallback": "spare",
            "may_ask": ["sampling"],
            "confirm_destructive": True,
        },
        {"name": "two", "protocol": "sse", "url": "http://127.0.0.1:1/sse"},
        {
            "name": "three",
            "protocol": "stdio",
            "command": "run",
            "args": ["-a"],
            "cwd": "/tmp",
            "env": {"NAME": "value"},
            "tool_policy": {"mode": "allow_only", "allow": ["y_*"]},
        },
        {
            "name": "four",
            "url": "http://127.0.0.1:1/mcp",
            "authentication": {"type": "header", "header_name": "X-A", "header_value": "v"},
        },
        {
            "name": "five",
            "url": "http://127.0.0.1:1/mcp",
            "authentication": {"type": "bearer", "api_key": "k"},
        },
        {
            "name": "six",
            "url": "http://127.0.0.1:1/mcp",
            "authentication": {
                "type": "oauth",
                "client_id": "c",
                "client_secret": "s",
                "issuer": "https://1.1.1.1",
                "scope": "all",
            },
        },
        {
            "name": "seven",
            "protocol": "openapi",
            "url": "http://127.0.0.1:1/v1",
            "document_url": "http://127.0.0.1:1/openapi.json",
        },
        {
            "name": "eight",
            "protocol": "openapi",
            "url": "http://127.0.0.1:1/v1",
            "document": "openapi: 3.1.0\n# a remark",
        },
    ],
    "roles": {
        "r1": {
            "description": "d",
            "can_bypass_restrictions": True,
            "can_manage_users": True,
            "can_modify_config": True,
        }
    },
    "tool_patterns": {"GROUP": ["g_*"]},
    "argument_rules": [
        {
            "name": "n",
            "tools": ["t_*"],
            "argument": "a",
            "allow": ["x*"],
            "deny": ["y*"],
            "from": "allowed_databases",
            "min": 1,
            "max": 9,
            "required": True,
            "effect": "deny",
        }
    ],
    "require_confirmation": {"enabled": True, "actions": ["w_*"]},
    "audit": {"alert_on_patterns": ["drop_*"], "watch_users": ["a@example.com"]},
}
REACH = {"one": {"mode": "custom", "tools": ["t"], "deny": ["d"]}, "two": {"mode": "all"}}
PERSON: dict[str, Any] = {
    "email": "a@example.com",
    "name": "A",
    "role": "r1",
    "allowed_mcps": {
        "one": {"mode": "custom", "tools": ["t"], "deny": ["d"]},
        "two": {"mode": "all"},
    },
    "allowed_domains": ["x"],
    "allowed_databases": ["x"],
    "teams": ["t1"],
    "slack_user_id": "U1",
    "slack_team_id": "T1",
    "description": "d",
    "usage_limit": {"period_days": 7, "max_requests": 1, "max_tokens": 2, "max_cost": 0.5},
}
USERS: dict[str, Any] = {
    "default_user": {
        "role": "r1",
        "allowed_mcps": {
            "one": {"mode": "custom", "tools": ["t"], "deny": ["d"]},
            "two": {"mode": "all"},
        },
        "allowed_domains": ["x"],
        "allowed_databases": ["x"],
    },
    "super_admins": [PERSON],
    "users": [PERSON | {"email": "b@example.com", "slack_user_id": "U2"}],
    "roles": {
        "r1": {
            "display_name": "R",
            "description": "d",
            "color": "red",
            "permissions": dict.fromkeys(PERMISSIONS, True),
            "allowed_mcp_tools": {"one": ["t"]},
            "allowed_tool_patterns": ["p_*"],
            "denied_tools": ["q_*"],
            "rate_limit": {"requests_per_hour": 5, "concurrent_requests": 2},
            "usage_limit": {
                "period_days": 7,
                "max_requests": 1,
                "max_tokens": 2,
                "max_cost": 0.5,
            },
        }
    },
    "teams": {
        "t1": {
            "name": "T",
            "description": "d",
            "slack_channel": "#c",
            "notify_on_errors": True,
            "default_role": "r1",
        }
    },
    "auto_provisioning": {
        "enabled": True,
        "default_role": "r1",
        "require_approval": True,
        "email_domain_mapping": {"@example.com": {"default_role": "r1", "require_approval": True}},
        "slack_team_mapping": {"T1": {"default_role": "r1", "require_approval": True}},
        "notify_admins": True,
    },
    "user_audit": {
        "watch_users": ["a@example.com"],
        "alert_on_suspicious_activity": True,
        "suspicious_patterns": ["after_hours_access"],
    },
}
FILES = {"mcps": MCPS, "users": USERS}

# The other value, where the kind alone does not give one.
OTHERS: dict[Way, Any] = {
    ("mcps", 0, "protocol"): "sse",
    ("mcps", 1, "protocol"): "http",
    ("mcps", 0, "trust"): "always",
    ("mcps", 0, "may_ask"): ["roots"],
    ("mcps", 0, "fallback"): "two",
    ("user_audit", "suspicious_patterns"): ["blocked_tool_attempts"],
    ("global", "default_effect"): "allow",
    ("argument_rules", 0, "effect"): "ask",
    ("users", 0, "email"): "c@example.com",
    ("super_admins", 0, "email"): "c@example.com",
    ("default_user", "allowed_mcps", "two", "mode"): "none",
    ("users", 0, "allowed_mcps", "two", "mode"): "none",
    ("super_admins", 0, "allowed_mcps", "two", "mode"): "none",
}
# Another value needs other keys beside it: test_import_servers and test_import_people change these.
NOT_ALONE = [("protocol",), ("type",), ("tool_policy", "mode"), ("one", "mode")]


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The ways to all values that are neither a mapping nor a list of mappings."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ways(inner, (*way, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from ways(inner, (*way, index))
    else:
        yield way


def path_of(shape: Shape, way: Way) -> str:
    """The row of the vocabulary that a way leads to."""
    if not way:
        return ""
    if isinstance(shape, Either):
        kinds = Section | MapOf
        return path_of(next(o for o in shape.options if isinstance(o, kinds)), way)
    if isinstance(shape, ListOf):
        return "[]" + path_of(shape.item, way[1:])
    if isinstance(shape, MapOf):
        return f".{shape.key}" + path_of(shape.value, way[1:])
    assert isinstance(shape, Section)
    return f".{way[0]}" + path_of(shape.keys[str(way[0])], way[1:])


def changed(document: dict[str, Any], way: Way) -> dict[str, Any]:
    """The document with another value at the way's end."""
    copy = deepcopy(document)
    target: Any = copy
    for step in way[:-1]:
        target = target[step]
    target[way[-1]] = OTHERS.get(way, other(target[way[-1]]))
    return copy


def other(value: Any) -> Any:
    """A value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return [*value, "more"] if isinstance(value, list) else f"{value}x"


def wanted(folder: Path, name: str, document: dict[str, Any]) -> Plan:
    """What the document alone asks for."""
    try:
        return read_files(write(folder, {name: json.dumps(document)}), Report())[0]
    except ConfigurationRefused as error:
        raise AssertionError([str(problem) for problem in error.report.problems]) from None


@pytest.mark.django_db
@pytest.mark.parametrize("name", FILES)
def test_another_value_of_an_applied_key_asks_for_other_rows(
    name: str, tmp_path: Path, settings: Any
) -> None:
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:1"]
    settings.STDIO_COMMANDS = [["run", "-a"], ["runx", "-a"], ["run", "-a", "more"]]
    # Registered, and named in no file: another name of a server leaves it where it is.
    Server.objects.create(name="spare", transport="http", url="http://127.0.0.1:1/mcp")
    document = FILES[name]
    usual = wanted(tmp_path, name, document)
    silent = [
        way
        for way in ways(document)
        if way in OTHERS or not any(way[-len(end) :] == end for end in NOT_ALONE)
        if wanted(tmp_path, name, changed(document, way)) == usual
    ]
    assert silent == []


@pytest.mark.parametrize("name", FILES)
def test_the_documents_of_this_test_hold_every_applied_key(name: str) -> None:
    vocabulary = VOCABULARIES[f"{name}.yaml"]
    written = {path_of(vocabulary, way).removeprefix(".") for way in ways(FILES[name])}
    applied = {row.path for row in rows(vocabulary) if isinstance(row.effect, Applied | Stored)}
    # Reach is written as a map here, whose own rows are these; tests are run, not written.
    either = {row.path for row in rows(vocabulary) if isinstance(row.shape, Either)}
    tests = {path for path in applied if path.startswith("tests[]")}
    assert applied - either - tests == written - either
