"""Roles stand in users.yaml and, with three of their rights, in mcps.yaml: one row for both."""

import re
from collections.abc import Mapping
from typing import Any

from accounts.importing import RoleSpec
from accounts.models import Role
from omni2.configuration.checking import Checked
from omni2.configuration.known import Known
from omni2.configuration.limits import read_usage_limit
from omni2.configuration.policy import check_patterns
from omni2.configuration.reading import join
from omni2.configuration.shapes import nearest
from omni2.configuration.vocabulary.people import PERMISSIONS

SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")
NOT_A_SLUG = "is 1 to 64 letters, digits, _ and -"

# mcps.yaml's name of a right → the column, and where users.yaml writes it.
_OF_SERVERS = {
    "description": "description",
    "can_bypass_restrictions": "can_bypass_tool_restrictions",
    "can_manage_users": "can_manage_users",
    "can_modify_config": "can_modify_config",
}
_DEFAULTS: dict[str, Any] = {
    "display_name": "",
    "description": "",
    "color": "",
    "allowed_mcp_tools": {},
    "allowed_tool_patterns": [],
    "denied_tools": [],
    "requests_per_hour": 0,
    "concurrent_requests": 0,
    "usage_limit": None,
} | dict.fromkeys(PERMISSIONS, False)


def read_roles(files: Mapping[str, Checked], known: Known) -> list[RoleSpec]:
    """The roles of both files. users.yaml says a role whole, mcps.yaml only what it writes."""
    people, servers = files.get("users.yaml"), files.get("mcps.yaml")
    whole = _of_people(people, known) if people else {}
    partial = _of_servers(servers) if servers else {}
    if people and servers:
        _report_conflicts(servers, whole, partial)
    elif servers:
        _warn_of_what_stays(servers, partial)
    return [
        RoleSpec(name, (_DEFAULTS if name in whole else {}) | partial.get(name, {}) | columns)
        for name, columns in ((name, whole.get(name, {})) for name in whole | partial)
    ]


def undefined(checked: Checked, name: str, path: str, *, known: Known, then: str) -> None:
    """Warn that a role is named that nothing defines; `then` says what that leads to."""
    if name not in known.roles:
        checked.warn(
            path, f"no file defines the role {name!r}; {nearest(name, known.roles)} {then}"
        )


def _of_people(checked: Checked, known: Known) -> dict[str, dict[str, Any]]:
    found = {}
    for name, said in checked.data.get("roles", {}).items():
        path = join("roles", name)
        if not SLUG.fullmatch(name):
            checked.refuse(path, f"a role's name {NOT_A_SLUG}")
            continue
        check_role_patterns(checked, said, path, known=known)
        columns = {key: said[key] for key in _DEFAULTS if key in said}
        columns |= {"usage_limit": read_usage_limit(said.get("usage_limit"))}
        found[name] = columns | said.get("permissions", {}) | said.get("rate_limit", {})
    return found


def check_role_patterns(
    checked: Checked, said: Mapping[str, Any], path: str, *, known: Known
) -> None:
    """Report each pattern of the role that the policy would not take."""
    for key in ("allowed_tool_patterns", "denied_tools"):
        check_patterns(checked, said.get(key, []), f"{path}.{key}", groups=known.groups)
    for server, patterns in said.get("allowed_mcp_tools", {}).items():
        here = join(f"{path}.allowed_mcp_tools", server)
        check_patterns(checked, patterns, here, groups=known.groups)
        if server not in known.servers:
            checked.warn(here, f"there is no server {server!r}; {nearest(server, known.servers)}")


def _of_servers(checked: Checked) -> dict[str, dict[str, Any]]:
    found = {}
    for name, said in checked.data.get("roles", {}).items():
        if SLUG.fullmatch(name):
            found[name] = {_OF_SERVERS[key]: value for key, value in said.items()}
        else:
            checked.refuse(join("roles", name), f"a role's name {NOT_A_SLUG}")
    return found


def _report_conflicts(
    servers: Checked, whole: Mapping[str, Any], partial: Mapping[str, Any]
) -> None:
    for name in whole.keys() & partial.keys():
        for key, column in _OF_SERVERS.items():
            path = f"{join('roles', name)}.{key}"
            if not {column} <= whole[name].keys() & partial[name].keys():
                continue
            if column == "description":
                servers.note(path, "users.yaml describes the role")
            elif whole[name][column] != partial[name][column]:
                servers.refuse(path, f"users.yaml says the opposite in roles.{name}.permissions")


def _warn_of_what_stays(servers: Checked, partial: Mapping[str, Mapping[str, Any]]) -> None:
    for role in Role.objects.filter(name__in=partial):
        for column in _OF_SERVERS.values():
            if (
                column.startswith("can_")
                and getattr(role, column)
                and column not in partial[role.name]
            ):
                servers.warn(
                    join("roles", role.name),
                    f"{column} is true in the database and not written here: it stays true",
                )
