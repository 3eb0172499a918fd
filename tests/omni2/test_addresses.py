"""Whoever may not come in sees nothing."""

import pytest

from audit.models import Entry


@pytest.mark.django_db
def test_whoever_may_not_come_in_sees_nothing_and_is_on_the_record(client, cast, settings):
    settings.ALLOWED_IPS = ["10.0.0.0/8"]
    client.force_login(cast.ada)
    places = ["/", "/login/", "/admin/", "/api/query", "/api/health/live"]
    outside = [client.get(place).status_code for place in places]
    inside = client.get("/", REMOTE_ADDR="10.0.0.1").status_code

    assert (outside, inside) == ([403, 403, 403, 403, 200], 200)
    entries = Entry.objects.filter(error_code="address")
    assert [(e.kind, e.address) for e in entries] == [("auth.refused", "127.0.0.1")] * 4
