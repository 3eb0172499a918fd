"""Browser sessions with whose they are."""

from typing import ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from accounts.models.people import User


class BrowserSession(AbstractBaseSession):
    """One browser that somebody is logged in with; nobody's until then."""

    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="browser_sessions"
    )
    began_at = models.DateTimeField(default=timezone.now)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        ordering: ClassVar = ["-began_at"]

    @classmethod
    def get_session_store_class(cls) -> type:
        """The store that reads and writes these rows."""
        from accounts.sessions import SessionStore  # noqa: PLC0415  the store stands on this model

        return SessionStore
