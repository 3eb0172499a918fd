"""The kill switches by name, for doors that have only a name: REST and the command line."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.db.models import QuerySet, TextChoices

from accounts import authority, switching
from accounts.authority import Right
from accounts.models import Role, User
from audit.record import Who
from gateway.errors import NotFound
from registry.models import Server, Tool


class Kind(TextChoices):
    """What has a kill switch, and how it is named."""

    PERSON = "person", "a person, by e-mail address"
    ROLE = "role", "a role, by name"
    SERVER = "server", "a server, by name"
    TOOL = "tool", "a tool, as SERVER/TOOL"


def switch(kind: Kind, name: str, *, on: bool, by: User | None, who: Who, reason: str = "") -> bool:
    """Switch one thing off or on, on the record; False when it was so already.

    Raises NotFound, and NotAllowed when `by` lacks the right (None is the command line).
    """
    if by is not None:
        authority.require(by, Right.MANAGE_USERS if kind == Kind.PERSON else Right.MODIFY_CONFIG)
    row = _find(kind, name)
    if isinstance(row, User):
        verb = switching.activate if on else switching.suspend
        return verb(row, by=by, who=who, reason=reason)
    if isinstance(row, Role):
        return switching.switch_role(row, on=on, by=by, who=who, reason=reason)
    return row.switch(on=on, who=who, reason=reason)


def all_off() -> list[tuple[Kind, str]]:
    """Everything that is switched off now, by kind and name."""
    suspended = User.objects.filter(status=User.Status.SUSPENDED).order_by("email")
    found = [(Kind.PERSON, person.email) for person in suspended]
    found += [(Kind.ROLE, role.name) for role in _off(Role.objects.all())]
    found += [(Kind.SERVER, server.name) for server in _off(Server.objects.all())]
    return found + [
        (Kind.TOOL, f"{tool.server.name}/{tool.name}")
        for tool in _off(Tool.objects.select_related("server"))
    ]


def _off(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.exclude(switched_off_at=None)


def _find(kind: Kind, name: str) -> User | Role | Server | Tool:
    names = _names(kind)
    row = names.get(name)
    if row is None:
        near = get_close_matches(name, names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise NotFound(f"There is no {kind.value} called {name[:100]!r}.{hint}", field="name")
    return row


def _names(kind: Kind) -> Mapping[str, Any]:
    if kind == Kind.PERSON:
        return {person.email: person for person in User.objects.select_related("role")}
    if kind == Kind.ROLE:
        return {role.name: role for role in Role.objects.all()}
    if kind == Kind.SERVER:
        return {server.name: server for server in Server.objects.all()}
    tools = Tool.objects.select_related("server")
    return {f"{tool.server.name}/{tool.name}": tool for tool in tools}
