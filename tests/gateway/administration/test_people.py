"""People over REST."""

import pytest

from accounts.models import User

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


@pytest.fixture
def waiting(cast):
    return User.objects.create_user("new@example.com", status=User.Status.PENDING)


def test_whoever_waits_is_let_in_perhaps_with_another_role(ada, waiting):
    assert [one["email"] for one in ada.get(PEOPLE, {"status": "pending"}).json()["items"]] == [
        "new@example.com"
    ]
    address = f"{PEOPLE}/{waiting.pk}/approve"
    answer = ada.post(address, {"role": "developer"}, format="json")

    assert (answer.json()["status"], answer.json()["role"]) == ("active", "developer")
    assert ada.post(address, {}, format="json").status_code == 409


def test_whoever_waits_is_kept_out(ada, waiting):
    answer = ada.post(f"{PEOPLE}/{waiting.pk}/reject", {"reason": "who?"}, format="json")

    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")


def test_nobody_without_the_right_lets_anybody_in(client_of, cast, waiting):
    client = client_of(cast.dev, scopes=["admin"])

    assert client.post(f"{PEOPLE}/{waiting.pk}/approve", {}, format="json").status_code == 403
    assert User.objects.get(pk=waiting.pk).status == "pending"
