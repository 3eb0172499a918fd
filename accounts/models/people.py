"""Roles, teams, people, and the grants that widen one person's reach for a while."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from audit.switches import Switchable


class Role(Switchable):
    """A named set of rights. What it may call on one server stands in `Rule`.

    While a role is switched off, whoever it counts for may do nothing; super admins need no role.
    """

    name = models.SlugField(max_length=64, unique=True)
    display_name = models.CharField(max_length=128, blank=True)
    description = models.TextField(blank=True)
    color = models.CharField(max_length=32, blank=True)

    can_bypass_tool_restrictions = models.BooleanField(default=False)
    can_manage_users = models.BooleanField(default=False)
    can_modify_config = models.BooleanField(default=False)
    can_view_audit_logs = models.BooleanField(default=False)
    can_execute_dangerous_tools = models.BooleanField(default=False)
    can_access_all_databases = models.BooleanField(default=False)
    can_promote_users = models.BooleanField(default=False)
    can_approve_calls = models.BooleanField(
        default=False, help_text="May say yes to other people's calls that wait for approval."
    )
    can_delete_data = models.BooleanField(default=False)

    allowed_mcp_tools = models.JSONField(
        default=dict, blank=True, help_text="Server → list of patterns."
    )
    allowed_tool_patterns = models.JSONField(default=list, blank=True)
    denied_tools = models.JSONField(default=list, blank=True)

    requests_per_hour = models.PositiveIntegerField(default=0, help_text="0 means no limit.")
    concurrent_requests = models.PositiveIntegerField(default=0, help_text="0 means no limit.")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.display_name or self.name


class Team(models.Model):
    """People who work together; its default role serves members who have none of their own."""

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=128, blank=True)
    description = models.TextField(blank=True)
    slack_channel = models.CharField(max_length=128, blank=True)
    notify_on_errors = models.BooleanField(default=False)
    default_role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering: ClassVar = ["key"]

    def __str__(self) -> str:
        return self.name or self.key


class UserManager(BaseUserManager["User"]):
    """Makes people by e-mail address; addresses are kept in lower case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A person needs an e-mail address.")
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, is_staff=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `is_superuser` is what the configuration calls a super admin."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        PENDING = "pending", "waiting for approval"
        SUSPENDED = "suspended"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=128, blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.SET_NULL)
    # The role an identity provider's claim gave; while it is theirs, the claim may take it back.
    claimed_role = models.ForeignKey(
        Role, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    teams = models.ManyToManyField(Team, blank=True, related_name="members")
    slack_team_id = models.CharField(max_length=32, blank=True)
    slack_user_id = models.CharField(max_length=32, blank=True)

    # null: the default user's value holds for this person.
    allowed_mcps = models.JSONField(
        null=True, blank=True, help_text='"*", a list, or a map of server → rule.'
    )
    allowed_domains = models.JSONField(null=True, blank=True, help_text='"*" or a list.')
    allowed_databases = models.JSONField(null=True, blank=True, help_text='"*" or a list.')

    is_staff = models.BooleanField(default=False, help_text="May open the admin.")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    class Meta:
        ordering: ClassVar = ["email"]
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["slack_team_id", "slack_user_id"],
                condition=~models.Q(slack_user_id=""),
                name="one_person_for_a_slack_user",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def roles(self) -> list[Role]:
        """The roles that count: their own, else their teams', else the default user's."""
        from accounts.models.rules import default_roles  # noqa: PLC0415  rules stand on people

        if self.role is not None:
            return [self.role]
        of_teams = Role.objects.filter(team__members=self).distinct().order_by("name")
        return list(of_teams) or default_roles()

    def standing(self) -> str:
        """How this person stands: "active" alone may do anything.

        Otherwise "inactive", "pending", "suspended", or "role_off" while a role that counts for
        them is switched off.
        """
        if self.status != self.Status.ACTIVE:
            return self.status
        if not self.is_active:
            return "inactive"
        role_off = not self.is_superuser and any(role.is_off for role in self.roles())
        return "role_off" if role_off else "active"

    def may_act(self) -> bool:
        """Whether this person may do anything at all."""
        return self.standing() == "active"


class GrantQuerySet(models.QuerySet["ServerGrant"]):
    """Grants, by whether they still count."""

    def unexpired(self) -> "GrantQuerySet":
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()))

    def ended_unnoted(self) -> "GrantQuerySet":
        """Those that are over, and whose end (there may be a later one) is not on the record."""
        noted = models.Q(end_noted=models.F("expires_at"))
        return self.filter(expires_at__lte=Now()).exclude(noted, end_noted__isnull=False)


class ServerGrant(models.Model):
    """One person, one server: adds to the person's reach, and to nothing else, until it expires."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    server = models.CharField(max_length=64, help_text="The server's name.")
    tools = models.JSONField(default=list, help_text='Patterns; ["*"] is every exposed tool.')
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.CharField(max_length=254, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # The end that stands on the record; another one may follow when the grant is prolonged.
    end_noted = models.DateTimeField(null=True, blank=True, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["user", "server"]

    def __str__(self) -> str:
        return f"{self.user} on {self.server}"
