"""Browser sessions with whose they are."""

from typing import Any, ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from accounts.models.keys import digest
from accounts.models.people import User


class BrowserSession(AbstractBaseSession):
    """One browser that somebody is logged in with; nobody's until then.

    A row is found by the digest of the key that the browser sends. The key itself is kept nowhere.
    """

    session_key: Any = None  # Django's own rows hold it in clear
    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="browser_sessions"
    )
    began_at = models.DateTimeField(default=timezone.now)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        ordering: ClassVar = ["-began_at"]

    def __str__(self) -> str:
        return f"of {self.user}"

    def save(self, *args: Any, **options: Any) -> None:
        """Write the row; one that was there stays as old as it is."""
        if options.get("force_update"):
            options["update_fields"] = ["user", "session_data", "expire_date"]
        super().save(*args, **options)

    @classmethod
    def of_key(cls, key: str | None) -> models.QuerySet["BrowserSession"]:
        """The session that a browser with this key has, if it has one."""
        return cls.objects.filter(digest=digest(key or ""))

    @classmethod
    def get_session_store_class(cls) -> type:
        """The store that reads and writes these rows."""
        from accounts.sessions import SessionStore  # noqa: PLC0415  the store stands on this model

        return SessionStore
