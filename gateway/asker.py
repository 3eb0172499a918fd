"""Who is asking: the person, how the record names them, and what their key narrows them to."""

from dataclasses import dataclass

from accounts import access
from accounts.models import User
from accounts.policy import Subject
from audit.record import Who


@dataclass(frozen=True)
class Asker:
    """A person at a door. `only_servers` is what an API key narrows them to; None is nothing."""

    user: User
    who: Who
    only_servers: frozenset[str] | None = None

    def subject(self) -> Subject:
        """This person as the policy sees them now: rights may have changed since they asked."""
        return access.subject_now(self.user, key=self.who.api_key, only_servers=self.only_servers)
