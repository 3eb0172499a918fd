"""The page of requests for access: who sees it, and a decision by a click."""

import pytest

from accounts.models import AccessRequest, Role, ServerGrant
from audit.models import Entry
from gateway import access_requests
from registry.models import Server
from tests.admin_pages import staff

PAGES = "/admin/accounts/accessrequest/"


@pytest.fixture
def asked(upstream, cast):
    return access_requests.request(
        cast.asker(cast.dev), server="upstream", tools=["write_note"], reason="<b>Notes</b>"
    )


def deed(row, name):
    return f"{PAGES}{row.pk}/{name}/"


def test_an_administrator_grants_by_a_click(client, cast, asked):
    client.force_login(cast.ada)
    page = client.get(deed(asked, "grant"))
    assert "“&lt;b&gt;Notes&lt;/b&gt;”" in page.content.decode()

    client.post(deed(asked, "grant"), {"days": "5", "answer": "Fine."})
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.answer) == ("granted", "ada@example.com", "Fine.")
    entry = Entry.objects.get(kind=Entry.Kind.GRANT_GIVEN)
    assert (entry.door, entry.person) == ("admin", "ada@example.com")
    assert client.get(deed(asked, "grant")).status_code == 403


def test_a_no_needs_its_why(client, cast, asked):
    client.force_login(cast.ada)
    client.post(deed(asked, "refuse"), {"answer": " "})
    assert AccessRequest.objects.get().state == "open"

    client.post(deed(asked, "refuse"), {"answer": "Not yet."})
    assert (AccessRequest.objects.get().state, AccessRequest.objects.get().answer) == (
        "refused",
        "Not yet.",
    )


@pytest.mark.parametrize("days", ["0", "91", "", "100000000000"])
def test_what_cannot_be_is_said_where_it_was_asked(client, cast, asked, days):
    client.force_login(cast.ada)
    page = client.post(deed(asked, "grant"), {"days": days})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert ServerGrant.objects.count() == 0


def test_staff_without_the_right_sees_nothing(client, cast, asked):
    client.force_login(staff(cast.guest))
    assert [client.get(path).status_code for path in (PAGES, f"{PAGES}{asked.pk}/change/")] == [
        403,
        403,
    ]
    assert client.post(deed(asked, "grant"), {"days": "5"}).status_code == 404
    assert ServerGrant.objects.count() == 0


@pytest.mark.parametrize("why", ["manages people", "owns the server"])
def test_who_decides_sees_it_in_the_navigation_and_decides(client, cast, asked, why):
    if why == "manages people":
        Role.objects.filter(name="viewer").update(can_manage_users=True)
    else:
        Server.objects.update(owner="guest@example.com")
    client.force_login(staff(cast.guest))

    navigation = client.get("/admin/").content.decode()
    assert PAGES in navigation and "1 waiting" in navigation
    assert "write_note" in client.get(PAGES).content.decode()
    client.post(deed(asked, "grant"), {"days": "5"})
    assert ServerGrant.objects.get().granted_by == "guest@example.com"


def test_an_owner_sees_no_request_on_another_server(client, cast, asked):
    Server.objects.update(owner="guest@example.com")
    other = AccessRequest.objects.create(person=cast.dev, server="other", tools=["*"], reason="x")
    client.force_login(staff(cast.guest))

    assert client.get(f"{PAGES}{other.pk}/change/").status_code == 302
    assert client.post(deed(other, "grant"), {"days": "5"}).status_code == 404


def test_nobody_grants_their_own_in_the_admin(client, cast, upstream):
    Role.objects.filter(name="viewer").update(can_manage_users=True)
    own = access_requests.request(
        cast.asker(cast.guest), server="upstream", tools=["*"], reason="x"
    )
    client.force_login(staff(cast.guest))
    assert client.post(deed(own, "grant"), {"days": "5"}).status_code == 404
    assert ServerGrant.objects.count() == 0
