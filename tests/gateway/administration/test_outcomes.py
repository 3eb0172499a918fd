"""Unknown outcomes over REST and in the admin."""

import pytest
from django.test import Client

from gateway.models import Call
from tests.gateway.test_outcomes import a_call

pytestmark = pytest.mark.django_db

CALLS = "/api/admin/calls"


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def test_they_are_listed_without_results_and_settled_once(ada, cast):
    call = a_call(cast, text="secret result")
    (shown,) = ada.get(f"{CALLS}/unknown").json()["items"]
    assert (shown["id"], shown["person"], "secret result" in str(shown)) == (
        (str(call.pk), "dev@example.com", False)
    )
    body = {"carried_out": False, "note": "It is not in the shop."}
    settled = ada.post(f"{CALLS}/{call.pk}/settle", body, format="json")
    assert (settled.status_code, settled.json()["settled"]["carried_out"]) == (200, False)
    assert ada.post(f"{CALLS}/{call.pk}/settle", body, format="json").status_code == 409
    assert ada.get(f"{CALLS}/unknown").json()["total"] == 0


def test_an_administrator_settles_one_in_the_admin(cast):
    call, known = a_call(cast), a_call(cast, state="done")
    client = Client()
    client.force_login(cast.ada)
    pages = "/admin/gateway/call"

    assert client.get(f"{pages}/?outcome=open").content.decode().count("/change/") == 1
    assert client.post(f"{pages}/{call.pk}/carried-out/", {"note": ""}).status_code == 200
    assert client.post(f"{pages}/{call.pk}/carried-out/", {"note": "seen"}).status_code == 302
    assert client.post(f"{pages}/{call.pk}/not-carried-out/", {"note": "x"}).status_code == 403
    assert client.post(f"{pages}/{known.pk}/carried-out/", {"note": "x"}).status_code == 403

    call.refresh_from_db()
    assert (call.settled, call.settled_by, call.settled_note) == (
        (Call.Settled.CARRIED_OUT, "ada@example.com", "seen")
    )
