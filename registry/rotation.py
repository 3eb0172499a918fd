"""Everything that is encrypted at rest, written anew with the newest key.

An old key may leave `OMNI2_ENCRYPTION_KEYS` once nothing is unreadable here: then nothing needs it.
"""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import transaction

from audit import record
from audit.models import Entry
from audit.record import Who
from registry.credentials import reseal
from registry.errors import CredentialUnreadable

# What `registry.credentials` has sealed stands in a column of this name, whichever model's.
COLUMN = "sealed"


@dataclass(frozen=True)
class Rotation:
    """How many values were written anew, and the rows whose value no current key can read."""

    rewritten: int
    unreadable: tuple[str, ...]


def rotate(*, who: Who) -> Rotation:
    """Encrypt every sealed value with the first key. What cannot be read stays as it is."""
    rewritten, unreadable = 0, []
    with transaction.atomic():
        for model in _models():
            for row in model._base_manager.exclude(sealed="").order_by("pk").select_for_update():
                try:
                    row.sealed = reseal(row.sealed)
                except CredentialUnreadable:
                    unreadable.append(f"{model._meta.verbose_name} {row}")
                    continue
                row.save(update_fields=["sealed"])
                rewritten += 1
        _note(Rotation(rewritten, tuple(unreadable)), who)
    return Rotation(rewritten, tuple(unreadable))


def _models() -> list[Any]:
    """The models of any app whose rows hold something sealed."""
    every = [model for model in apps.get_models() if not model._meta.proxy]
    return [m for m in every if any(f.name == COLUMN for f in m._meta.concrete_fields)]


def _note(rotation: Rotation, who: Who) -> None:
    record.write(
        Entry.Kind.ADMIN_CHANGED,
        Entry.Outcome.FAILED if rotation.unreadable else Entry.Outcome.OK,
        who=who,
        detail={
            "action": "rotate credentials",
            "rewritten": rotation.rewritten,
            "unreadable": list(rotation.unreadable),
        },
    )
