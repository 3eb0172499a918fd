"""A copy of a row is the row, and what is set on the one is not set on the other."""

import pytest

from accounts.models import Role, User
from audit.copies import copy_of, new_copy_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    role = Role.objects.create(name="dba", display_name="DBA")
    return User.objects.create(email="ada@example.com", name="Ada", role=role)


def test_a_copy_is_the_same_row_with_what_is_said(ada: User) -> None:
    other = copy_of(ada, name="Ada L.")
    assert (other, other.pk, other.email, other.name) == (ada, ada.pk, ada.email, "Ada L.")
    assert (ada.name, other.role, other._state.adding) == ("Ada", ada.role, False)

    other.save()
    assert User.objects.get().name == "Ada L."


def test_a_related_row_is_set_on_one_alone(ada: User) -> None:
    other = copy_of(ada)
    other.role = None
    assert (ada.role_id, ada.role and ada.role.name, other.role_id) == (ada.role_id, "dba", None)
    assert ada.role is not None


def test_a_new_copy_is_added_beside_the_first(ada: User) -> None:
    other = new_copy_of(ada, email="other@example.com")
    assert (other.pk, other._state.adding, other._state.db) == (None, True, None)

    other.save()
    assert set(User.objects.values_list("email", "role__name")) == {
        ("ada@example.com", "dba"),
        ("other@example.com", "dba"),
    }
