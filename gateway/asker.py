"""Who is asking: the person, how the record names them, and what their key narrows them to."""

from dataclasses import dataclass

from accounts import access
from accounts.models import ApiKey, User
from accounts.policy import Subject
from audit.record import Who


@dataclass(frozen=True)
class Asker:
    """A person at a door. `only_servers` is what an API key narrows them to; None is nothing."""

    user: User
    who: Who
    only_servers: frozenset[str] | None = None

    def subject(self) -> Subject:
        """This person as the policy sees them now, read afresh: rights may have changed."""
        user = User.objects.select_related("role").get(pk=self.user.pk)
        return access.subject_of(user, only_servers=self._reach())

    def _reach(self) -> frozenset[str] | None:
        if not self.who.api_key:
            return self.only_servers
        key = ApiKey.objects.filter(prefix=self.who.api_key, user_id=self.user.pk).first()
        if key is None or not key.usable():
            return frozenset()
        return frozenset(key.servers) if key.servers else None
