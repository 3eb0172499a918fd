"""What holds for every view under /api/admin/."""

import pytest

from accounts.models import ApiKey, User
from audit.models import Entry
from gateway.administration.urls import urlpatterns

pytestmark = pytest.mark.django_db

PEOPLE = "/api/admin/people"


@pytest.fixture
def admin_client(client_of, cast):
    """A client of Ada's, with a key that may administer."""
    return client_of(cast.ada, scopes=[ApiKey.Scope.ADMIN])


def test_a_key_needs_the_scope_and_its_person_the_right(client_of, cast):
    scopes = {"scopes": [ApiKey.Scope.ADMIN]}
    asked = [
        client_of(cast.ada, **scopes),
        client_of(cast.ada),
        client_of(cast.dev, **scopes),
        client_of(cast.sue, **scopes),
    ]
    answers = [client.get(PEOPLE) for client in asked]

    assert [one.status_code for one in answers] == [200, 403, 403, 401]
    assert [one.json()["error"]["code"] for one in answers[1:]] == [
        "scope",
        "not_allowed",
        "unauthenticated",
    ]


def test_the_right_comes_from_the_role(client_of, cast):
    cast.dev.role.can_manage_users = True
    cast.dev.role.save()

    assert client_of(cast.dev, scopes=["admin"]).get(PEOPLE).status_code == 200


def test_a_session_of_an_administrator_gets_in_too(client, cast):
    client.force_login(cast.ada)
    assert client.get(PEOPLE).status_code == 200

    client.force_login(cast.dev)
    assert client.get(PEOPLE).status_code == 403


def test_who_lacks_the_right_is_on_the_record(client_of, cast):
    client_of(cast.dev, scopes=["admin"]).get(PEOPLE)

    entry = Entry.objects.get(kind="auth.refused")
    assert (entry.person, entry.error_code, entry.detail["right"], entry.detail["path"]) == (
        "dev@example.com",
        "not_allowed",
        "can_manage_users",
        PEOPLE,
    )


def test_every_view_names_the_right_it_needs():
    nameless = [
        one.name for one in urlpatterns if not hasattr(one.callback.view_class, "required_right")
    ]
    assert nameless == []


def test_rows_come_in_pages(admin_client):
    page = admin_client.get(PEOPLE, {"limit": 2, "offset": 1}).json()

    assert (page["total"], page["limit"], page["offset"]) == (4, 2, 1)
    assert [person["email"] for person in page["items"]] == ["dev@example.com", "guest@example.com"]
    assert admin_client.get(PEOPLE, {"offset": 4}).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "-1"),
        ("limit", "٣"),
        ("offset", "x"),
        ("offset", "9" * 40),
        ("status", "asleep"),
        ("password__startswith", "pbkdf2"),
        ("_connector", "OR"),
    ],
)
def test_what_cannot_be_asked_for_is_an_error_that_names_it(admin_client, name, value):
    answer = admin_client.get(PEOPLE, {name: value})

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, name)


def test_what_is_not_there_is_a_404(admin_client):
    last = User.objects.order_by("-pk")[0].pk

    assert admin_client.get(f"{PEOPLE}/{last}").status_code == 200
    assert admin_client.get(f"{PEOPLE}/{last + 1}").status_code == 404
