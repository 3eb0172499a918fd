"""A small record: entries of Ada, of Dev and of nobody."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Role
from audit import record
from audit.models import Entry
from audit.record import Who
from tests.cast import Cast

Written = dict[str, Entry]


def written(person: str, kind: str = "call.called", **facts: Any) -> Entry:
    """An entry of this person, written now."""
    return record.write(kind, "ok", who=Who(person=person, role="developer", door="web"), **facts)


@pytest.fixture
def entries(cast: Cast) -> Written:
    """Entries by name, oldest first; everybody's account was made the day before."""
    for user in (cast.ada, cast.dev, cast.guest):
        user.date_joined = timezone.now() - timedelta(days=1)
        user.save(update_fields=["date_joined"])
    ada, dev = cast.ada.email, cast.dev.email
    return {
        "adas": written(
            ada,
            server="crm",
            tool="find",
            arguments={"name": "Ünal"},
            result="one row",
            cost=Decimal("0.5"),
            milliseconds=12,
        ),
        "devs": written(dev, server="crm", tool="find", arguments={"name": "Bo"}),
        "elsewhere": written(dev, server="files", tool="read"),
        "login": written(dev, "auth.login"),
        "nobodys": record.write("setup.done", "ok"),
    }


@pytest.fixture
def auditor(cast: Cast, client_of: Any) -> Any:
    """A client of somebody who may read the record, and nothing more."""
    cast.guest.role = Role.objects.create(name="auditor", can_view_audit_logs=True)
    cast.guest.save()
    return client_of(cast.guest, scopes=["admin"])


@pytest.fixture
def named(entries: Written) -> Callable[[Any], list[str]]:
    """Which of the entries an answer lists, by their names."""
    names = {entry.pk: name for name, entry in entries.items()}

    def of(answer: Any) -> list[str]:
        assert answer.status_code == 200, answer.content
        return [names[one["id"]] for one in answer.json()["items"] if one["id"] in names]

    return of
