"""policy.yaml → the parts of the policy it speaks of. What it does not speak of stays as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from accounts import importing, narrowing
from accounts.importing import RoleSpec, RuleSpec
from accounts.models import Role, Rule, ServerGrant, User
from omni2.configuration.checking import Checked
from omni2.configuration.known import Known
from omni2.configuration.people import People
from omni2.configuration.policy import check_patterns, read_policy
from omni2.configuration.reading import join
from omni2.configuration.roles import check_role_patterns
from omni2.configuration.shapes import nearest

_KINDS = {
    "tool_patterns": Rule.Kind.GROUP,
    "argument_rules": Rule.Kind.ARGUMENT,
    "require_confirmation": Rule.Kind.CONFIRM,
    "default_user": Rule.Kind.DEFAULT_USER,
}
_GLOBAL_KINDS = {
    "default_effect": Rule.Kind.DEFAULT_EFFECT,
    "blocked_tools": Rule.Kind.BLOCKED,
    "admin_only_tools": Rule.Kind.ADMIN_ONLY,
}


@dataclass(frozen=True)
class Draft:
    """A change of the policy: `rules` take the place of those that `governed` selects."""

    governed: Q
    rules: list[RuleSpec] = field(default_factory=list)
    roles: list[RoleSpec] = field(default_factory=list)
    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    grants: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def apply(self) -> list[str]:
        """Make the rows say it; return what changed, in words. The caller's transaction."""
        changes = importing.apply_roles(self.roles)
        changes += importing.replace_rules(self.rules, self.governed)
        for email, said in self.people.items():
            if "role" in said:
                changes += narrowing.set_role(email, said["role"])
            if "allowed_mcps" in said:
                changes += narrowing.set_reach(email, said["allowed_mcps"])
        for email, server, tools in self.grants:
            changes += narrowing.narrow_grants(email, server, tools)
        return changes


def read_draft(checked: Checked, known: Known) -> Draft:
    """What the file asks for; what is wrong with it is added to its problems."""
    reader = People(checked, known, None)
    rules = read_policy(checked, stored=known.groups)
    default_user = reader.default_user()
    roles = [*_roles(checked, known), *map(RoleSpec, sorted(reader.bare_roles))]
    _check_servers(checked, known)
    return Draft(
        governed=_governed(checked.data),
        rules=[*rules, *([default_user] if default_user else [])],
        roles=roles,
        people=dict(_people(checked, reader)),
        grants=list(_grants(checked, known)),
    )


def _governed(data: Mapping[str, Any]) -> Q:
    """The rules that the file's own take the place of: of its sections, and of its servers."""
    kinds = [kind for key, kind in _KINDS.items() if key in data]
    kinds += [kind for key, kind in _GLOBAL_KINDS.items() if key in data.get("global", {})]
    servers = [item["name"] for item in data.get("mcps", []) if item and "name" in item]
    return Q(kind__in=kinds, server="") | Q(server__in=servers)


def _check_servers(checked: Checked, known: Known) -> None:
    seen: set[str] = set()
    for index, item in enumerate(checked.data.get("mcps", [])):
        name = (item or {}).get("name")
        if name is None:
            continue
        path = f"mcps[{index}].name"
        if name in seen:
            checked.refuse(path, "this server stands here twice")
        elif name not in known.servers:
            checked.warn(path, f"there is no server {name!r}; {nearest(name, known.servers)}")
        seen.add(name)


def _roles(checked: Checked, known: Known) -> Iterator[RoleSpec]:
    names = set(Role.objects.values_list("name", flat=True))
    for name, said in checked.data.get("roles", {}).items():
        path = join("roles", name)
        if name not in names:
            checked.refuse(path, f"there is no role {name!r}; {nearest(name, names)}")
            continue
        check_role_patterns(checked, said, path, known=known)
        columns = {key: value for key, value in said.items() if key != "permissions"}
        yield RoleSpec(name, columns | said.get("permissions", {}))


def _people(checked: Checked, reader: People) -> Iterator[tuple[str, dict[str, Any]]]:
    roles = set(Role.objects.values_list("name", flat=True))
    for written, said in checked.data.get("people", {}).items():
        path = join("people", written)
        email = written.strip().lower()
        if not User.objects.filter(email=email).exists():
            checked.refuse(path, f"there is no person {written!r}")
            continue
        found = dict(said)
        if "role" in said and said["role"] not in roles:
            close = nearest(said["role"], roles)
            checked.refuse(f"{path}.role", f"there is no role {said['role']!r}; {close}")
        if "allowed_mcps" in said:
            found["allowed_mcps"] = reader.reach(said["allowed_mcps"], f"{path}.allowed_mcps")
        yield email, found


def _grants(checked: Checked, known: Known) -> Iterator[tuple[str, str, list[str]]]:
    for index, said in enumerate(checked.data.get("grants", [])):
        if said is None or not {"person", "server", "tools"} <= said.keys():
            continue
        path = f"grants[{index}]"
        check_patterns(checked, said["tools"], f"{path}.tools", groups=known.groups)
        email, server = said["person"].strip().lower(), said["server"]
        if not ServerGrant.objects.unexpired().filter(user__email=email, server=server).exists():
            checked.refuse(path, f"{email} has no grant on {server}; a file only narrows grants")
            continue
        yield email, server, [tool for tool in said["tools"] if tool is not None]
