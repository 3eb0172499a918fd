"""Rows are added as `bulk_create` would add them, and changed as `save` would."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Role
from audit import record, statements
from audit.models import Entry, Unsealed
from tests.audit.conftest import FULL


def columns(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in Entry.columns()}


def test_what_is_added_is_read_back_as_it_was(db: None) -> None:
    rows = [record.prepare("call.called", "ok", **FULL) for _ in range(3)]
    statements.insert(rows)
    stored = list(Entry.objects.order_by("pk"))
    assert [row.pk for row in stored] == [row.pk for row in rows]
    assert [columns(row) for row in stored] == [columns(row) for row in rows]
    assert [row.digest for row in stored] == [row.reckon_digest() for row in stored]


def test_rows_with_keys_keep_them(db: None) -> None:
    statements.insert([Unsealed(entry=entry, digest="d") for entry in (7, 3)])
    assert sorted(Unsealed.objects.values_list("entry", flat=True)) == [3, 7]


def test_more_rows_than_one_statement_takes(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_PARAMETERS", 5)
    rows = [Unsealed(entry=entry, digest="d") for entry in range(7)]
    statements.insert(rows)
    statements.insert([])
    assert Unsealed.objects.count() == 7


def test_a_row_that_cannot_be_added_leaves_none(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.insert([Role(name="twice"), Role(name="twice")])
    assert Role.objects.count() == 0


def test_a_row_that_was_added_is_no_new_one(db: None) -> None:
    role = Role(name="once")
    statements.insert([role])
    role.display_name = "changed"
    role.save()
    assert list(Role.objects.values_list("pk", "display_name")) == [(role.pk, "changed")]
    assert role._state.db == connection.alias


def test_the_named_columns_of_the_row_are_written_and_no_others(db: None) -> None:
    role, other = Role.objects.create(name="one"), Role.objects.create(name="other")
    role.name, role.display_name = "not this", "One's"
    statements.update(role, ("display_name",))
    stored = Role.objects.order_by("pk").values_list("pk", "name", "display_name")
    assert list(stored) == [(role.pk, "one", "One's"), (other.pk, "other", other.display_name)]


def test_a_row_that_is_gone_cannot_be_changed(db: None) -> None:
    role = Role.objects.create(name="one")
    Role.objects.all().delete()
    with pytest.raises(DatabaseError, match="There is no role to change any more"):
        statements.update(Role(pk=role.pk or 1, name="one"), ("display_name",))


def test_values_that_are_not_what_the_database_takes_are_made_so(db: None) -> None:
    """A choice, a number in a text, a column that was not read."""
    entry = record.prepare("call.called", "ok")
    entry.kind, entry.server = Entry.Kind.CALL_REFUSED, 7  # type: ignore[assignment]
    statements.insert([entry])
    stored = Entry.objects.values_list("kind", "server").get(pk=entry.pk)
    assert stored == ("call.refused", "7")
    role = Role.objects.create(name="read in part", display_name="kept")
    part = Role.objects.defer("display_name").get(pk=role.pk)
    statements.update(part, ("display_name",))
    assert Role.objects.get(pk=role.pk).display_name == "kept"
