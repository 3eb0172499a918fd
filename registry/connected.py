"""Rows of accounts at servers that are spoken to by OAuth, and of the ways that lead to one."""

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

# Whose account it is when it is the gateway's own.
NOBODY = 0


class AccountQuerySet(models.QuerySet["ConnectedAccount"]):
    """Accounts, by whether their tokens may still be sent."""

    def of_people(self) -> "AccountQuerySet":
        return self.exclude(person=NOBODY)

    def misplaced(self) -> "AccountQuerySet":
        """Those whose server has gone to another address or another kind of credential since."""
        kept = models.Q(url=models.F("server__url")) & (
            models.Q(server__authentication="oauth") & ~models.Q(person=NOBODY)
            | models.Q(server__authentication="client_credentials", person=NOBODY)
        )
        return self.exclude(kept)


class ConnectedAccount(models.Model):
    """The tokens one person, or the gateway itself, has for one server at one address.

    `person` is their number on the floor beside this one, `name` what the record calls them. The
    tokens are sealed together with whom they belong to, so that no row can be made another's.
    `generation` counts the tokens; whoever wants the next ones claims that first.
    """

    class State(models.TextChoices):
        CONNECTED = "connected"
        BROKEN = "broken", "to be connected again"

    server = models.ForeignKey("registry.Server", on_delete=models.CASCADE, related_name="accounts")
    person = models.BigIntegerField(default=NOBODY)
    name = models.CharField(max_length=254, blank=True)
    url = models.CharField(max_length=2000, help_text="The server's address when it was connected.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.CONNECTED)
    problem = models.TextField(blank=True)
    scope = models.TextField(blank=True)
    sealed = models.TextField(blank=True, editable=False)
    generation = models.PositiveIntegerField(default=0, editable=False)
    # Until then somebody is fetching the next tokens.
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(null=True, blank=True)
    # From the first on new tokens are fetched; from the second on the old ones are of no use.
    renew_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["server__name", "connected_at"]
        verbose_name = "connected account"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["server", "person"], name="one_account_at_a_server"),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'the gateway'} at {self.server.name}"

    @property
    def is_due(self) -> bool:
        """Whether the next tokens should be fetched before these are sent."""
        if self.renew_at is None:
            return not self.sealed
        return self.renew_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        """Whether its tokens have not ended."""
        return bool(self.sealed) and (self.expires_at is None or self.expires_at > timezone.now())

    def claim(self, hold: timedelta) -> bool:
        """Whether it is for us to fetch what comes after this generation; for `hold` at most."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=Now())
        rows = ConnectedAccount.objects.filter(free, pk=self.pk, generation=self.generation)
        return bool(rows.update(claimed_until=Now() + hold))

    def settle(self, **values: object) -> bool:
        """Give up the claim and set these columns; False when the account is another by now."""
        rows = ConnectedAccount.objects.filter(pk=self.pk, generation=self.generation)
        return bool(rows.update(claimed_until=None, **values))


class RegisteredClient(models.Model):
    """Who we are to the authorization server of one server, where it let us register."""

    server = models.OneToOneField(
        "registry.Server", on_delete=models.CASCADE, related_name="registered_client"
    )
    url = models.CharField(max_length=2000)
    issuer = models.CharField(max_length=2000)
    redirect_uri = models.CharField(max_length=2000)
    sealed = models.TextField()

    def __str__(self) -> str:
        return f"at {self.server.name}"


class Attempt(models.Model):
    """A person was sent to an authorization server, and may come back from it once.

    `state` and `browser` are digests: of what goes with the browser, and of the session it has.
    """

    server = models.ForeignKey("registry.Server", on_delete=models.CASCADE, related_name="+")
    person = models.BigIntegerField()
    state = models.CharField(max_length=64, unique=True)
    browser = models.CharField(max_length=64)
    sealed = models.TextField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = "attempt to connect"

    def __str__(self) -> str:
        return f"at {self.server.name}"
