"""The rules of the policy as rows, and the versions they make."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.people import Role


class Rule(models.Model):
    """One rule of the policy. `accounts.access` turns all of them into the document that decides.

    Which fields count depends on the kind:

    | kind | server | role | name | mode | patterns | condition |
    |---|---|---|---|---|---|---|
    | default_effect | | | | allow, deny | | |
    | blocked, admin_only | | | | | tools | |
    | confirm | | | | | tools | |
    | confirm | yes | | | destructive | | |
    | group | | | the group's | | tools | |
    | exposure | yes | | | allow_all, allow_all_except, allow_only | tools | |
    | role | yes | yes | | allow_all, deny_all, allow_only, deny, allow_all_except | tools | |
    | argument | | | optional | | tools | argument, allow, deny, from, min, max, required, effect |
    | default_user | | | | | | role, allowed_mcps, allowed_domains, allowed_databases |
    """

    class Kind(models.TextChoices):
        DEFAULT_EFFECT = "default_effect", "what holds when no rule decides"
        BLOCKED = "blocked", "blocked for everybody"
        ADMIN_ONLY = "admin_only", "administrators only"
        GROUP = "group", "named group of patterns"
        EXPOSURE = "exposure", "what a server exposes"
        ROLE = "role", "what a role may do on a server"
        ARGUMENT = "argument", "argument rule"
        CONFIRM = "confirm", "a person must confirm"
        DEFAULT_USER = "default_user", "anybody not known"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    server = models.CharField(max_length=64, blank=True)
    role = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=64, blank=True)
    mode = models.CharField(max_length=32, blank=True)
    patterns = models.JSONField(default=list, blank=True)
    condition = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["kind", "server", "role", "name", "mode", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "server", "role", "name", "mode", "position"],
                name="one_rule_for_a_place",
            ),
        ]

    def __str__(self) -> str:
        place = " ".join(part for part in (self.server, self.role, self.name, self.mode) if part)
        return f"{self.get_kind_display()}: {place}" if place else self.get_kind_display()


def default_roles() -> list[Role]:
    """The default user's role, where there is one."""
    default = Rule.objects.filter(kind=Rule.Kind.DEFAULT_USER).first()
    named = default.condition.get("role", "") if default else ""
    return list(Role.objects.filter(name=named))


class PolicyVersion(models.Model):
    """The whole policy from one moment on; its digest stands on every entry of the record."""

    digest = models.CharField(max_length=64, db_index=True)
    document = models.JSONField()
    author = models.CharField(max_length=254, blank=True)
    note = models.TextField(blank=True, help_text="What its author did, in their door's words.")
    difference = models.TextField(
        blank=True, help_text="A line for each rule that differs from the version before."
    )
    effect = models.JSONField(
        null=True, blank=True, help_text="Who gained and lost what; null is not known."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"version {self.pk} ({self.digest[:12]})"


class ProvisioningRule(models.Model):
    """How a person not seen before enters: by e-mail domain or by Slack team."""

    email_domain = models.CharField(
        max_length=128, blank=True, help_text="With its @, as in @example.com."
    )
    slack_team = models.CharField(max_length=64, blank=True)
    default_role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.SET_NULL)
    require_approval = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["email_domain", "slack_team"]

    def __str__(self) -> str:
        return self.email_domain or self.slack_team or "everybody else"
