"""Kill switches: a row that can be switched off at once, on the record, and back on again."""

from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now

from audit import record
from audit.models import Entry
from audit.record import Who

REASON_CHARACTERS = 500


class Switchable(models.Model):
    """A row with a kill switch, which counts wherever the row is read next.

    Only `switch` moves it: a save of a row that was read before leaves it as it stands by now, and
    so do imports and syncs.
    """

    switched_off_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_off(self) -> bool:
        return self.switched_off_at is not None

    def switch_facts(self) -> dict[str, Any]:
        """Columns of the entry that this row fills, such as the server's name."""
        return {}

    def switch(self, *, on: bool, who: Who, reason: str = "") -> bool:
        """Switch the row on or off, on the record; False when it was so already."""
        rows = type(self)._default_manager.filter(pk=self.pk, switched_off_at__isnull=not on)
        with transaction.atomic():
            changed = rows.update(switched_off_at=None if on else Now()) == 1
            if changed:
                self._record_switch(on=on, who=who, reason=reason)
        self.refresh_from_db(fields=["switched_off_at"])
        return changed

    def _record_switch(self, *, on: bool, who: Who, reason: str) -> None:
        record.write(
            Entry.Kind.ADMIN_CHANGED,
            Entry.Outcome.OK,
            who=who,
            detail={
                "action": "switched on" if on else "switched off",
                "model": self._meta.label_lower,
                "id": str(self.pk),
                "name": str(self),
                "reason": reason[:REASON_CHARACTERS],
            },
            **self.switch_facts(),
        )

    def save(self, *args: Any, **options: Any) -> None:
        """Save everything but the switch, unless the row is new."""
        if not self._state.adding and not options.get("force_insert"):
            named = options.get("update_fields")
            if named is None:
                loaded = {field.attname for field in self._meta.concrete_fields}
                loaded -= self.get_deferred_fields() | {self._meta.pk.attname}
                named = loaded
            options["update_fields"] = set(named) - {"switched_off_at"}
        super().save(*args, **options)
