"""Browser sessions: kept in the database with whose they are, so that they can be ended.

The settings name this module as the session engine. A session ends when nobody has used it for
`SESSION_TIMEOUT_MINUTES`, or for `SESSION_REMEMBER_DAYS` on a device that is to be remembered.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import BrowserSession, User

# How exact the time of the last use is: a busy page must not write on every request.
EXACT = timedelta(minutes=1)
_SEEN = "seen_at"


class SessionStore(DatabaseStore):
    """Django's own store, on rows that know their person."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        row: Any = super().create_model_instance(data)
        user = data.get(SESSION_KEY)
        row.user_id = int(user) if user else None
        found: BrowserSession = row
        return found


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


def end_all(user: User, *, but: str | None = None) -> int:
    """Log the person out everywhere, but for the session of this key; how many were ended."""
    rows = BrowserSession.objects.filter(user=user).exclude(session_key=but or "")
    return rows.delete()[0]


def clear() -> None:
    """Forget the sessions that have ended by themselves."""
    SessionStore.clear_expired()


def _end_oldest(user: User, *, keep: int) -> None:
    if not keep:
        return
    live = BrowserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    newest = list(live.order_by("-began_at", "-session_key").values_list("pk", flat=True)[:keep])
    BrowserSession.objects.filter(user=user).exclude(pk__in=newest).delete()
