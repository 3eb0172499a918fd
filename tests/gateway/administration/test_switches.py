"""The kill switches over REST."""

import pytest

from accounts.models import Role, User

pytestmark = pytest.mark.django_db

SWITCHES = "/api/admin/switches"
WISH = {"kind": "role", "name": "developer", "on": False}


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def test_what_is_off_is_listed_and_switched(ada):
    answer = ada.post(SWITCHES, WISH | {"reason": "leak"}, format="json")

    assert (answer.status_code, answer.json()) == (200, WISH | {"changed": True})
    assert ada.get(SWITCHES).json() == [
        {"kind": "person", "name": "sue@example.com"},
        {"kind": "role", "name": "developer"},
    ]
    assert ada.post(SWITCHES, WISH, format="json").json()["changed"] is False


def test_whoever_may_not_is_refused(client_of, cast):
    answer = client_of(cast.dev, scopes=["admin"]).post(SWITCHES, WISH, format="json")

    assert answer.status_code == 403
    assert not Role.objects.get(name="developer").is_off


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"kind": "house"}, 400, "kind"),
        ({"name": 7}, 400, "name"),
        ({"on": "perhaps"}, 400, "on"),
        ({"force": True}, 400, "force"),
        ({"name": "nobody"}, 404, "name"),
    ],
)
def test_what_is_wrong_is_named(ada, change, status, field):
    answer = ada.post(SWITCHES, WISH | change, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


def test_a_person_is_suspended_and_activated(ada, cast):
    address = f"/api/admin/people/{cast.dev.pk}"

    assert ada.post(f"{address}/suspend", {"reason": "x"}, format="json").json()["status"] == (
        "suspended"
    )
    assert User.objects.get(pk=cast.dev.pk).status == "suspended"
    assert ada.post(f"{address}/activate", {}, format="json").json()["status"] == "active"


@pytest.mark.parametrize(("who", "status"), [("ada", 403), ("nobody", 404)])
def test_over_oneself_and_over_nobody(ada, cast, who, status):
    pk = cast.ada.pk if who == "ada" else 0

    assert ada.post(f"/api/admin/people/{pk}/suspend", {}, format="json").status_code == status
