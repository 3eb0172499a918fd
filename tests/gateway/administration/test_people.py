"""People over REST."""

import pytest

pytestmark = pytest.mark.django_db

PEOPLE = "/api/admin/people"


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def test_a_person_is_shown_as_they_stand(ada, cast):
    shown = ada.get(f"{PEOPLE}/{cast.sue.pk}").json()

    dates = shown.pop("joined_at"), shown.pop("last_login")
    assert dates[1] is None
    assert shown == {
        "id": cast.sue.pk,
        "email": "sue@example.com",
        "name": "Sue",
        "status": "suspended",
        "active": True,
        "role": "developer",
        "teams": [],
        "super_admin": False,
        "staff": False,
        "allowed_mcps": "*",
        "allowed_databases": None,
        "allowed_domains": None,
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"status": "suspended"}, ["sue"]),
        ({"role": "developer"}, ["dev", "sue"]),
        ({"search": "GUEST"}, ["guest"]),
        ({"role": "developer", "status": "active"}, ["dev"]),
        ({"search": "%"}, []),
    ],
)
def test_people_are_found(ada, asked, found):
    items = ada.get(PEOPLE, asked).json()["items"]

    assert [one["email"].split("@")[0] for one in items] == found
