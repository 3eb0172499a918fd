"""The record: entries, written once.

No foreign key leads out of here: an entry keeps the names as they were when it was written.
"""

from functools import cache, reduce
from operator import and_
from typing import Any, ClassVar, NoReturn

from django.db import models

from audit import chain
from audit.errors import AppendOnlyError

PREVIEW_CHARACTERS = 2000
PROOF_COLUMNS = ("digest", "salt", "erased")


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that may be added and read, and nothing else."""

    def update(self, **values: object) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")

    def bulk_update(self, *args: object, **options: object) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> list[Any]:
        """Add rows; refuses what would change an existing one on a conflict."""
        if options.get("update_conflicts"):
            raise AppendOnlyError(f"{self.model.__name__} rows are never changed")
        return super().bulk_create(objs, *args, **options)

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")


class AppendOnly(models.Model):
    """A row that can be inserted once; every later write is refused."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **options: Any) -> None:
        """Insert the row; refuses when it has been saved before."""
        if not self._state.adding or options.get("update_fields") or options.get("force_update"):
            raise AppendOnlyError(f"{type(self).__name__} {self.pk} is never changed")
        # Without this a new object with an existing key would be an UPDATE.
        super().save(using=options.get("using"), force_insert=True)

    def delete(self, *args: object, **options: object) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} {self.pk} is never deleted")


# --- How entries are found ------------------------------------------------------------------------
# Columns whose pages are asked for in the order of moments, with the values that their index leaves
# out: nobody asks for those, or most entries have them and a page of theirs is soon full.
IN_PAGES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("role", "door", "address", "api_key", "server", "tool"), ("",)),
    **dict.fromkeys(("layer", "rule", "policy_version", "error_code"), ("",)),
    "outcome": ("ok", "pending"),
    "effect": ("", "allow"),
}
# Columns of which few entries have the same: those are put in order when they are found.
FEW_ALIKE = ("question", "call", "decision_id")
MEASURED = ("cost", "milliseconds")


def indexed(column: str, value: str) -> models.Q | None:
    """The condition of the index that has this value of a column; None for one that has all.

    SQLite uses an index only for a query that says its condition in the same words.
    """
    left_out = ("",) if column in FEW_ALIKE else IN_PAGES.get(column, (value,))
    if value in left_out:
        return None
    return reduce(and_, (~models.Q(**{column: one}) for one in left_out))


def _indexes() -> list[models.Index]:
    pages = [
        models.Index(fields=[name, "at"], name=f"entry_by_{name}", condition=indexed(name, "any"))
        for name in IN_PAGES
    ]
    few = [
        models.Index(
            fields=[name],
            name=f"entry_{name.removesuffix('_id')}",
            condition=indexed(name, "any"),
        )
        for name in FEW_ALIKE
    ]
    measured = [
        models.Index(
            fields=[name, "at"],
            name=f"entry_by_{name}",
            condition=models.Q(**{f"{name}__isnull": False}),
        )
        for name in MEASURED
    ]
    return pages + few + measured


class Entry(AppendOnly):
    """One thing that happened: what, when, who, through which door, with which outcome.

    Written by `audit.record` only. Every column but the key is covered by `digest`; a column added
    later must be empty or null by default, so that it leaves older digests as they are.
    """

    class Kind(models.TextChoices):
        QUESTION_ACCEPTED = "question.accepted"
        QUESTION_REFUSED = "question.refused"
        QUESTION_ENDED = "question.ended"
        QUESTION_CANCELLED = "question.cancelled"
        QUESTION_REPLAYED = "question.replayed"
        MODEL_TURN = "model.turn"
        CALL_CALLING = "call.calling"
        CALL_CALLED = "call.called"
        CALL_REFUSED = "call.refused"
        CALL_SETTLED = "call.settled"
        APPROVAL_ASKED = "approval.asked"
        APPROVAL_GIVEN = "approval.given"
        APPROVAL_REFUSED = "approval.refused"
        APPROVAL_EXPIRED = "approval.expired"
        AUTH_LOGIN = "auth.login"
        AUTH_LOGOUT = "auth.logout"
        AUTH_REFUSED = "auth.refused"
        AUTH_LOCKED = "auth.locked"
        KEY_ISSUED = "key.issued"
        KEY_REVOKED = "key.revoked"
        KEY_USED = "key.used"
        GRANT_GIVEN = "grant.given"
        GRANT_REVOKED = "grant.revoked"
        GRANT_EXPIRED = "grant.expired"
        ACCESS_REQUESTED = "access.requested"
        PERSON_CREATED = "person.created"
        PERSON_CHANGED = "person.changed"
        SETUP_DONE = "setup.done"
        ADMIN_CHANGED = "admin.changed"
        CONFIG_IMPORTED = "config.imported"
        POLICY_CHANGED = "policy.changed"
        LIMIT_REACHED = "limit.reached"
        REGISTRY_PROBED = "registry.probed"
        REGISTRY_SYNCED = "registry.synced"
        REGISTRY_DRIFT = "registry.drift"
        REGISTRY_HEALTH = "registry.health"
        SERVER_CHANGED = "server.changed"
        TOOL_ACCEPTED = "tool.accepted"
        TOOL_QUARANTINED = "tool.quarantined"
        TOOL_GONE = "tool.gone"
        SLACK_LINKED = "slack.linked"
        SLACK_REFUSED = "slack.refused"
        ALERT_RAISED = "alert.raised"
        RECORD_EXPORTED = "record.exported"
        RECORD_ERASED = "record.erased"
        RECORD_PRUNED = "record.pruned"
        RECORD_KEY_CHANGED = "record.key_changed"

    class Outcome(models.TextChoices):
        OK = "ok"
        PENDING = "pending"
        REFUSED = "refused"
        FAILED = "failed"
        UNKNOWN = "unknown"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    kind = models.CharField(max_length=32, choices=Kind.choices)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    at = models.DateTimeField(db_index=True)

    person = models.CharField(max_length=254, blank=True)
    role = models.CharField(max_length=64, blank=True)
    door = models.CharField(max_length=16, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=512, blank=True)
    api_key = models.CharField(max_length=64, blank=True, help_text="The key's prefix.")
    channel = models.CharField(max_length=128, blank=True)
    thread = models.CharField(max_length=128, blank=True)

    question = models.CharField(max_length=36, blank=True)
    call = models.CharField(max_length=36, blank=True)
    server = models.CharField(max_length=64, blank=True)
    tool = models.CharField(max_length=255, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    arguments = models.JSONField(null=True, blank=True, help_text="Redacted.")
    arguments_digest = models.CharField(max_length=64, blank=True)
    preview = models.TextField(blank=True, help_text="The beginning of the result, redacted.")
    result_digest = models.CharField(max_length=64, blank=True)

    effect = models.CharField(max_length=8, blank=True)
    layer = models.CharField(max_length=32, blank=True)
    rule = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    decision = models.JSONField(null=True, blank=True, help_text="The decision's whole summary.")
    decision_id = models.CharField(max_length=32, blank=True)
    policy_version = models.CharField(max_length=64, blank=True)
    inputs = models.JSONField(
        null=True, blank=True, help_text="Who asked and for what, as the policy saw them."
    )

    # null is "unknown" or "does not apply", which is not 0.
    input_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    output_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    cache_read_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    cache_write_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True, help_text="US dollars."
    )
    milliseconds = models.PositiveBigIntegerField(null=True, blank=True)

    error_code = models.CharField(max_length=64, blank=True)
    error_id = models.CharField(max_length=32, blank=True)
    detail = models.JSONField(null=True, blank=True)
    digest = models.CharField(max_length=64)
    # Empty in entries of the first form, and when something was erased.
    salt = models.CharField(max_length=64, blank=True, default="", db_default="")
    erased = models.JSONField(
        null=True, blank=True, help_text="What is left of what was erased; by which entry."
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "entries"
        base_manager_name = "objects"
        indexes: ClassVar = [
            models.Index(fields=["kind", "at"], name="entry_kind"),
            models.Index(fields=["person", "at"], name="entry_person"),
            *_indexes(),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(digest=""), name="entry_has_its_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome}"

    @classmethod
    @cache
    def columns(cls) -> tuple[str, ...]:
        """The columns that the digest covers: all but the key and what proves the others."""
        return tuple(
            field.attname
            for field in cls._meta.concrete_fields
            if not field.primary_key and field.attname not in PROOF_COLUMNS
        )

    @property
    def erased_by(self) -> int | None:
        """The entry that says what was erased of this one and why; None where nothing was."""
        return self.erased.get("entry") if isinstance(self.erased, dict) else None

    def reckon_digest(self) -> str:
        """The digest that this row's columns should have; ValueError where it can have none."""
        columns = {name: getattr(self, name) for name in self.columns()}
        return chain.entry_digest(columns, self.salt, self.erased)
