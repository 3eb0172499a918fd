"""One statement writes what several would, and the same."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from accounts.models import Role
from audit import at_once, record, together
from audit.models import Entry, Unsealed
from audit.together import Write
from tests.audit.conftest import FULL

pytestmark = pytest.mark.django_db(transaction=True)


def columns(row: Entry) -> dict[str, object]:
    return {name: getattr(row, name) for name in Entry.columns()}


def test_what_is_written_is_read_back_as_it_was() -> None:
    texts = ["plain", "", "gr\u00fc\u00dfe \U0001f600 \"'\\ %s $1", "null"]
    entries = [
        record.prepare(
            "call.called", "ok", **FULL | {"server": text, "arguments": {text: [1, 1.5]}}
        )
        for text in texts
    ]
    entries += [record.prepare("call.called", "ok", cost=Decimal("0.00000001"))]
    entries += [record.prepare("call.called", "ok")]
    at_once.carry_out([Write(entries[:3]), Write(entries[3:])])

    stored = list(Entry.objects.order_by("pk"))
    assert [columns(row) for row in stored] == [columns(row) for row in entries]
    assert [row.digest for row in stored] == [row.reckon_digest() for row in stored]
    waiting = Unsealed.objects.order_by("entry").values_list("entry", "digest")
    assert list(waiting) == [(row.pk, row.digest) for row in stored]
    assert [row._state.adding for row in entries] == [False] * 6


def test_rows_are_as_the_other_way_makes_them() -> None:
    def made(key: int) -> Role:
        return Role(pk=key, name=f"role {key}", display_name="")

    at_once.carry_out([Write(added=[made(71)]), Write(added=[made(72)])])
    together.carry_out([Write(added=[made(73)])])

    names = [field.attname for field in Role._meta.concrete_fields if field.attname != "id"]
    rows = [
        {name: str(getattr(row, name)).replace(str(row.pk), "") for name in names}
        for row in Role.objects.order_by("pk")
    ]
    moments = [name for name in names if name.endswith("_at")]
    assert len(rows) == 3
    for row in rows[:2]:
        assert {k: v for k, v in row.items() if k not in moments} == {
            k: v for k, v in rows[2].items() if k not in moments
        }


def test_only_the_named_columns_change() -> None:
    roles = [Role.objects.create(name=name) for name in ("one", "two", "other")]
    for role in roles[:2]:
        role.name, role.display_name = "not this", f"{role.pk}'s"
    at_once.carry_out([Write(changed=[(role, ("display_name",))]) for role in roles[:2]])

    stored = Role.objects.order_by("pk").values_list("name", "display_name")
    assert list(stored.filter(pk__in=[role.pk for role in roles])) == [
        ("one", f"{roles[0].pk}'s"),
        ("two", f"{roles[1].pk}'s"),
        ("other", roles[2].display_name),
    ]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 9])
def test_every_row_changes_however_many_there_are(number: int) -> None:
    roles = [Role.objects.create(name=f"role {n}") for n in range(number)]
    for role in roles:
        role.display_name = f"{role.pk}'s"
    at_once.carry_out([Write(changed=[(role, ("display_name",))]) for role in roles])
    stored = Role.objects.filter(pk__in=[role.pk for role in roles])
    assert {role.pk: role.display_name for role in stored} == {
        role.pk: f"{role.pk}'s" for role in roles
    }


def test_a_row_that_is_gone_undoes_all_of_it() -> None:
    gone, kept = Role.objects.create(name="gone"), Role.objects.create(name="kept")
    gone.display_name = kept.display_name = "changed"
    Role.objects.filter(pk=gone.pk).delete()
    entry = record.prepare("call.called", "ok")
    with pytest.raises(DatabaseError, match="no such row"):
        at_once.carry_out(
            [Write([entry], changed=[(role, ("display_name",))]) for role in (gone, kept)]
        )
    assert not Entry.objects.exists()
    assert not Role.objects.filter(display_name="changed").exists()


def test_what_may_not_be_added_undoes_all_of_it() -> None:
    taken = Role.objects.create(name="taken")
    entry = record.prepare("call.called", "ok")
    with pytest.raises(IntegrityError):
        at_once.carry_out([Write([entry], added=[Role(pk=taken.pk + 1, name="taken")])])
    assert not Entry.objects.exists()
    # The connection is as good as before.
    at_once.carry_out([Write([entry])])
    assert Entry.objects.get().at <= datetime.now(UTC)
