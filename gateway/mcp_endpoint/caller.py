"""Who an MCP request is from, and how much of OMNI2 they came for."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from accounts import access
from accounts.auth import Arrival
from accounts.models import ApiKey, User
from audit.record import Who
from gateway.asker import Asker
from gateway.models import Door

# Where the entrance leaves the caller for the handlers, in the ASGI scope of the request.
SCOPE_KEY = "omni2.caller"
# Over stdio there is no request: one person is served from beginning to end.
ONLY: ContextVar["Caller"] = ContextVar("gateway_mcp_caller")


@dataclass(frozen=True)
class Caller:
    """A person at the endpoint; `server` is the one they came for, "" where it is all."""

    asker: Asker
    server: str = ""

    @classmethod
    def with_key(cls, user: User, key: ApiKey, arrival: Arrival, *, server: str) -> "Caller":
        """The key's person. `server` is not looked up: one nobody knows just offers nothing."""
        only = frozenset(key.servers) if key.servers else None
        return cls(Asker(user, _who(user, arrival, api_key=key.prefix), only), server)

    @classmethod
    def with_token(cls, user: User, arrival: Arrival, *, server: str = "") -> "Caller":
        """The person that an access token, or whoever runs the deployment, vouches for."""
        return cls(Asker(user, _who(user, arrival)), server)

    def still_comes_in(self) -> bool:
        """Whether what let them in would let them in again."""
        prefix = self.asker.who.api_key
        if not prefix:
            return User.objects.get(pk=self.asker.user.pk).may_act()
        key = access.key_of(prefix)
        return key is not None and key.usable() and key.user.may_act()


def _who(user: User, arrival: Arrival, *, api_key: str = "") -> Who:
    role = user.role.name if user.role else ""
    return Who(person=user.email, role=role, door=Door.MCP, api_key=api_key, **arrival.origin())


def caller_of(context: Any) -> Caller:
    """The caller of the request that a handler was given the context of."""
    if context.request is None:
        return ONLY.get()
    caller: Caller = context.request.scope[SCOPE_KEY]
    return caller
