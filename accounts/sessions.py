"""Browser sessions: kept in the database with whose they are, so that they can be ended.

The settings name this module as the session engine. A row holds the digest of its session's key:
who has a copy of the database can act as nobody. A session ends when nobody has used it for
`SESSION_TIMEOUT_MINUTES`, or for `SESSION_REMEMBER_DAYS` on a device that is to be remembered.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import BrowserSession, User
from accounts.models.keys import digest

# How exact the time of the last use is: a busy page must not write on every request.
EXACT = timedelta(minutes=1)
_SEEN = "seen_at"


class SessionStore(DatabaseStore):
    """Django's own store, on rows that know their person and the digest of their key alone."""

    # What awaits runs what is below, on a thread.
    aload, aexists = SessionBase.aload, SessionBase.aexists
    acreate, asave, adelete = SessionBase.acreate, SessionBase.asave, SessionBase.adelete

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def load(self) -> dict[str, Any]:
        live = BrowserSession.of_key(self.session_key).filter(expire_date__gt=timezone.now())
        row = live.first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        return BrowserSession.of_key(session_key).exists()

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        user = data.get(SESSION_KEY)
        return BrowserSession(
            # One that has ended meanwhile has no key, and no row to be written to.
            digest=digest(self.session_key or ""),
            user_id=int(user) if user else None,
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
        )

    def delete(self, session_key: str | None = None) -> None:
        BrowserSession.of_key(session_key or self.session_key).delete()


def begin(request: HttpRequest, *, remember: bool = False) -> None:
    """Begin the time of a session that somebody has just logged in to.

    Where that makes too many sessions of this person, those that began first are ended.
    """
    days = settings.SESSION_REMEMBER_DAYS
    lasts = timedelta(days=days) if remember and days else idle()
    request.session.set_expiry(int(lasts.total_seconds()))
    request.session[_SEEN] = timezone.now().isoformat()
    with transaction.atomic():
        if isinstance(request.user, User):
            # Two who log in at once take turns, so that neither misses the other's session.
            User.objects.select_for_update().get(pk=request.user.pk)
            request.session.save()
            _end_oldest(request.user, keep=settings.SESSIONS_AT_ONCE)


def idle() -> timedelta:
    """How long a session may lie unused."""
    return timedelta(minutes=settings.SESSION_TIMEOUT_MINUTES)


def mark_used(request: HttpRequest) -> None:
    """Let the session's time begin anew, at most once a minute."""
    said = request.session.get(_SEEN)
    if said is not None and timezone.now() - datetime.fromisoformat(said) > EXACT:
        request.session[_SEEN] = timezone.now().isoformat()


def end_all(user: User) -> int:
    """Log the person out everywhere; how many sessions were ended."""
    return BrowserSession.objects.filter(user=user).delete()[0]


def clear() -> None:
    """Forget the sessions that have ended by themselves."""
    SessionStore.clear_expired()


def _end_oldest(user: User, *, keep: int) -> None:
    if not keep:
        return
    live = BrowserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    newest = list(live.order_by("-began_at", "-digest").values_list("pk", flat=True)[:keep])
    BrowserSession.objects.filter(user=user).exclude(pk__in=newest).delete()
