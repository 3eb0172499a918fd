"""Why a call is allowed or not: the one answer that the command, REST and the admin show.

It asks the same function as the call itself, and does nothing else: nothing is called or recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone

from accounts import access
from accounts.models import Role, User
from accounts.policy import Decision, Step, Subject, decide
from gateway.api_parsing import Malformed, strict_loads
from gateway.errors import BadRequest, NotFound
from gateway.toolbox import target_of, with_defaults
from registry.models import Server, Tool

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True)
class Explanation:
    """The decision on one tool for one subject, under one version of the policy."""

    subject: Subject
    tool: Tool
    decision: Decision
    policy_version: str

    def as_json(self) -> dict[str, Any]:
        """Everything that led to the decision, layer by layer."""
        subject = self.subject
        who = {"person": subject.person} if subject.person else {"role": subject.role}
        return {
            **who,
            "server": self.tool.server.name,
            "tool": self.tool.name,
            **self.decision.summary(),
            "policy_version": self.policy_version,
            "trace": [_as_json(step) for step in self.decision.trace],
        }


def _as_json(step: Step) -> dict[str, str]:
    names = ("layer", "verdict", "rule", "reason", "fix")
    return {name: str(getattr(step, name)) for name in names}


def explain(
    subject: Subject, tool: Tool, arguments: Mapping[str, Any] | None = None
) -> Explanation:
    """Decide as a call with these arguments would be; without any, whether the tool is shown."""
    policy, version = access.current()
    given = None if arguments is None else with_defaults(tool, arguments)
    decision = decide(policy, subject, target_of(tool), given, timezone.now())
    return Explanation(subject, tool, decision, version)


def find_person(email: str) -> User:
    """The person of this address; NotFound names the one that comes near."""
    people = User.objects.select_related("role")
    return _find(people, "person", email, column="email", written=email.lower())


def find_role(name: str) -> Role:
    """The role of this name; NotFound names the one that comes near."""
    return _find(Role.objects.all(), "role", name)


def find_server(name: str) -> Server:
    """The server of exactly this name; NotFound names the one that comes near."""
    return _find(Server.objects.all(), "server", name)


def somebody_of(role: Role) -> Subject:
    """Somebody of this role, as it stands now; of a role switched off, too."""
    status = "role_off" if role.is_off else "active"
    views_record = role.can_view_audit_logs
    return Subject.somebody_of(role.name, status=status, views_record=views_record)


def find_tool(server: str, name: str) -> Tool:
    """The stored tool of exactly this name; nothing is normalised into a match."""
    find_server(server)
    tools = Tool.objects.select_related("server").filter(server__name=server)
    found = tools.filter(name=_clean(name)).first()
    if found is None:
        near = _nearest(name, tools.values_list("name", flat=True))
        raise NotFound(f"The server {server} has no tool {name!r}.{near}", field="tool")
    return found


def read_arguments(text: str | None) -> Mapping[str, Any] | None:
    """The arguments from their JSON; None stays None. Raises BadRequest."""
    if text is None:
        return None
    try:
        given = strict_loads(text.encode())
    except (Malformed, UnicodeEncodeError) as error:
        raise BadRequest(str(error), field="arguments") from None
    if not isinstance(given, dict):
        raise BadRequest('a JSON object is expected, as in {"limit": 10}', field="arguments")
    return given


def _find(
    rows: QuerySet[_Row], kind: str, said: str, *, column: str = "name", written: str = ""
) -> _Row:
    """The row whose column says exactly this; `written` is how it is kept, where not as said."""
    wanted = written or said
    found = rows.filter(**{column: _clean(wanted)}).first()
    if found is None:
        near = _nearest(wanted, rows.values_list(column, flat=True))
        raise NotFound(f"There is no {kind} {said!r}.{near}", field=kind)
    return found


def _clean(text: str) -> str:
    """The text, or nothing for one with a NUL, which PostgreSQL would raise an error for."""
    return "" if "\x00" in text else text


def _nearest(wanted: str, known: Iterable[str]) -> str:
    near = get_close_matches(wanted, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
