"""The people of the tests, and the policy they live under. Everybody has a part.

Ada administers. Dev develops: may read on `upstream`, write nothing. Guest may do nothing at all.
Sue is suspended.
"""

from dataclasses import dataclass

from accounts import access
from accounts.models import ApiKey, PolicyVersion, Role, Rule, User
from audit.models import Entry, Unsealed
from audit.record import Who
from gateway.asker import Asker
from gateway.models import Door
from registry import discovery
from registry.models import HealthCheck, Server, Tool

# What `assemble` and `register` write to.
PEOPLE = (Role, Rule, User, PolicyVersion)
REGISTERED = (Server, Tool, HealthCheck, Entry, Unsealed)

READ_TOOLS = ["echo", "add", "get_*", "slow", "fail", "big", "headers"]


@dataclass
class Cast:
    ada: User
    dev: User
    guest: User
    sue: User

    @classmethod
    def read(cls) -> "Cast":
        """Everybody, as the database has them."""
        people = User.objects.select_related("role").order_by("pk")
        return cls(**{person.name.lower(): person for person in people})

    def asker(self, user: User, door: Door = Door.CLI) -> Asker:
        role = user.role.name if user.role else ""
        return Asker(user, Who(person=user.email, role=role, door=door))

    def key(self, user: User, **options: object) -> str:
        """A fresh API key of this person, as they would paste it."""
        return ApiKey.issue(user, "test", **options)[1]


def assemble() -> Cast:
    """Put the people and the policy into the database, and publish it."""
    admin = Role.objects.create(name="admin", can_bypass_tool_restrictions=True)
    developer = Role.objects.create(name="developer")
    viewer = Role.objects.create(name="viewer")
    Rule.objects.create(
        kind=Rule.Kind.ROLE,
        server="upstream",
        role="developer",
        mode="allow_only",
        patterns=READ_TOOLS,
    )
    Rule.objects.create(kind=Rule.Kind.GROUP, name="dangerous", patterns=["delete_*", "drop_*"])
    cast = Cast(
        ada=_person("ada@example.com", admin, is_superuser=True, is_staff=True),
        dev=_person("dev@example.com", developer),
        guest=_person("guest@example.com", viewer),
        sue=_person("sue@example.com", developer, status=User.Status.SUSPENDED),
    )
    access.publish("tests")
    return cast


def _person(email: str, role: Role, **fields: object) -> User:
    name = email.split("@")[0].title()
    return User.objects.create_user(email, name=name, role=role, allowed_mcps="*", **fields)


def open_to(person: User, *names: str) -> None:
    """Servers of these names, each with a tool, that this person may use. They run nowhere."""
    for name in names:
        server = Server.objects.create(name=name, transport="http", url="https://8.8.8.8/mcp")
        Tool.objects.create(server=server, name="look", qualified_name=f"{name}__look")
        person.grants.create(server=name, tools=["*"])


def register(url: str, *, name: str = "upstream", **fields: object) -> Server:
    """Register a running HTTP server and read its tools."""
    server = Server.objects.create(
        name=name, transport=Server.Transport.HTTP, url=url, timeout_seconds=10, **fields
    )
    discovery.sync(server)
    return server
