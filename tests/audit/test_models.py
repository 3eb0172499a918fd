"""What was written is neither changed nor deleted, whichever way is tried."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import AppendOnlyError
from audit.models import Block, Entry, Unsealed


def change_and_save(row: Entry | Block) -> None:
    row.save()


def save_some_fields(row: Entry | Block) -> None:
    row.save(update_fields=["digest"])


def save_as_new_with_the_same_key(row: Entry | Block) -> None:
    type(row)(pk=row.pk, digest="0" * 64).save(force_update=True)


def delete(row: Entry | Block) -> None:
    row.delete()


def update_query(row: Entry | Block) -> None:
    type(row).objects.filter(pk=row.pk).update(digest="0" * 64)


def update_by_base_manager(row: Entry | Block) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(digest="0" * 64)


def delete_query(row: Entry | Block) -> None:
    type(row).objects.filter(pk=row.pk).delete()


def raw_delete_query(row: Entry | Block) -> None:
    type(row).objects.filter(pk=row.pk)._raw_delete("default")


def bulk_update(row: Entry | Block) -> None:
    type(row).objects.bulk_update([row], ["digest"])


def update_or_create(row: Entry | Block) -> None:
    type(row).objects.update_or_create(pk=row.pk, defaults={"digest": "0" * 64})


def overwrite_on_conflict(row: Entry | Block) -> None:
    type(row).objects.bulk_create(
        [row], update_conflicts=True, update_fields=["digest"], unique_fields=["pk"]
    )


WAYS = [
    change_and_save,
    save_some_fields,
    save_as_new_with_the_same_key,
    delete,
    update_query,
    update_by_base_manager,
    delete_query,
    raw_delete_query,
    bulk_update,
    update_or_create,
    overwrite_on_conflict,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [Entry, Block])
def test_a_row_stays_as_it_was_written(
    model: type[Entry] | type[Block], way: Callable[..., None], sealed: list[Entry]
) -> None:
    before = list(model.objects.order_by("pk").values())
    with pytest.raises(AppendOnlyError):
        way(model.objects.order_by("pk").first())
    assert list(model.objects.order_by("pk").values()) == before


def test_a_new_row_never_replaces_one_with_the_same_key(sealed: list[Entry]) -> None:
    forged = Entry(pk=sealed[0].pk, kind="auth.login", outcome="ok", at=timezone.now(), digest="0")
    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save()
    assert Entry.objects.get(pk=sealed[0].pk).kind == "call.called"


def test_an_entry_without_digest_is_refused(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.create(kind="auth.login", outcome="ok", at=timezone.now())
    assert Entry.objects.count() == 0


def test_every_column_but_key_and_proof_is_covered() -> None:
    names = {field.attname for field in Entry._meta.concrete_fields}
    assert set(Entry.columns()) == names - {"id", "digest", "salt", "erased"}


def test_nothing_here_points_at_another_app() -> None:
    for model in (Entry, Unsealed, Block):
        assert [field.name for field in model._meta.get_fields() if field.is_relation] == []
