"""A kill switch is thrown once, on the record, and no save throws it back."""

import threading

import pytest
from django.db import connections

from accounts.models import Role
from audit.models import Entry
from audit.record import Who
from audit.switches import Switchable

ADA = Who(person="ada@example.com", door="cli")


@pytest.fixture
def role(db) -> Role:
    return Role.objects.create(name="r")


def is_off(role: Switchable) -> bool:
    return type(role).objects.get(pk=role.pk).is_off


def switched() -> list[tuple[str, str, str, str]]:
    entries = Entry.objects.filter(kind="admin.changed").order_by("pk")
    return [(e.person, e.detail["action"], e.detail["name"], e.detail["reason"]) for e in entries]


def test_off_and_on_again_are_on_the_record_with_the_reason(role):
    assert role.switch(on=False, who=ADA, reason="leak") is True
    assert (role.is_off, is_off(role)) == (True, True)
    assert role.switch(on=True, who=ADA) is True
    assert (role.is_off, is_off(role)) == (False, False)
    assert switched() == [
        ("ada@example.com", "switched off", "r", "leak"),
        ("ada@example.com", "switched on", "r", ""),
    ]


@pytest.mark.parametrize("on", [True, False])
def test_what_is_so_already_changes_nothing_and_is_not_recorded(role, on):
    role.switch(on=False, who=ADA)
    role.switch(on=on, who=ADA)
    before = len(switched())

    assert role.switch(on=on, who=ADA) is False
    assert len(switched()) == before


@pytest.mark.parametrize("options", [{}, {"update_fields": ["display_name", "switched_off_at"]}])
def test_a_row_read_before_does_not_put_the_switch_back_when_it_is_saved(role, options):
    earlier = Role.objects.get(pk=role.pk)
    role.switch(on=False, who=ADA)

    earlier.display_name = "new"
    earlier.save(**options)

    assert (is_off(role), Role.objects.get().display_name) == (True, "new")


def test_a_row_read_in_part_is_saved_in_part(role):
    part = Role.objects.only("name").get(pk=role.pk)
    Role.objects.update(description="kept")
    part.name = "renamed"
    part.save()

    assert (Role.objects.get().name, Role.objects.get().description) == ("renamed", "kept")


@pytest.mark.django_db(transaction=True)
def test_two_who_throw_it_at_once_are_one_change():
    role = Role.objects.create(name="r")
    start, said = threading.Barrier(4), []

    def throw() -> None:
        own = Role.objects.get(pk=role.pk)
        start.wait()
        said.append(own.switch(on=False, who=ADA))
        connections.close_all()

    threads = [threading.Thread(target=throw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sorted(said), len(switched())) == ([False, False, False, True], 1)
