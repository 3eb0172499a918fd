"""API keys and set-up links: only digests are kept, the secret itself is shown once."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.people import User

KEY_PREFIX = "omni2"


def digest(secret: str) -> str:
    """SHA-256 of a random 256-bit secret; it has too much entropy to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKey(models.Model):
    """A person's key for REST, MCP and the command line: `omni2_<prefix>_<secret>`.

    `scopes` limits what the key may be used for, `servers` (when not empty) which servers it
    reaches. A key never widens what its person may do.
    """

    class Scope(models.TextChoices):
        QUERY = "query", "ask questions"
        TOOLS = "tools", "list and call tools"
        READ = "read", "read one's own history"
        APPROVE = "approve", "approve or refuse other people's calls, as far as the person may"
        ADMIN = "admin", "manage, as far as the person may"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=128)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    servers = models.JSONField(
        default=list, blank=True, help_text="Empty: every server the person reaches."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["user", "name"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @classmethod
    def issue(
        cls,
        user: User,
        name: str,
        *,
        scopes: list[str] | None = None,
        servers: list[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple["ApiKey", str]:
        """Make a key and return it with its full text, which is kept nowhere."""
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = cls.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            digest=digest(secret),
            scopes=scopes or [cls.Scope.QUERY, cls.Scope.TOOLS, cls.Scope.READ],
            servers=servers or [],
            expires_at=expires_at,
        )
        return key, f"{KEY_PREFIX}_{prefix}_{secret}"

    def matches(self, secret: str) -> bool:
        """Whether `secret` is this key's, compared in constant time."""
        return hmac.compare_digest(self.digest, digest(secret))

    def usable(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )

    @property
    def may(self) -> list[str]:
        """Its scopes, in the words in which they are chosen."""
        words = dict(self.Scope.choices)
        return [words.get(scope, scope) for scope in self.scopes]

    def revoke(self) -> None:
        """Stop the key for good, at once."""
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["revoked_at"])

    def mark_used(self) -> None:
        """Note the use, at most once a minute: a busy key must not write on every request."""
        now = timezone.now()
        stale = now - timedelta(minutes=1)
        if self.last_used_at is None or self.last_used_at < stale:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)
            self.last_used_at = now


class SetupLink(models.Model):
    """A link that lets one person set a password, once, within a day."""

    LIFETIME: ClassVar = timedelta(hours=24)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="setup_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"for {self.user}"

    @classmethod
    def issue(cls, user: User) -> str:
        """Make a link's token; earlier unused links of the same person stop working."""
        cls.objects.filter(user=user, used_at=None).delete()
        token = secrets.token_urlsafe(32)
        cls.objects.create(user=user, digest=digest(token))
        return token

    @classmethod
    def find(cls, token: str) -> "SetupLink | None":
        """The unused, unexpired link of this token."""
        since = timezone.now() - cls.LIFETIME
        return cls.objects.filter(digest=digest(token), used_at=None, created_at__gt=since).first()

    def claim(self) -> bool:
        """Use the link up; False when somebody else was faster."""
        rows = type(self).objects.filter(pk=self.pk, used_at=None).update(used_at=timezone.now())
        return rows == 1
