"""The deeds that throw a kill switch in the admin."""

import pytest

from accounts.models import Role
from tests.admin_pages import staff

pytestmark = pytest.mark.django_db

ROLES = "/admin/accounts/role"


def test_a_switch_is_thrown_by_a_post_and_only_where_it_changes_something(client, cast):
    role = Role.objects.get(name="developer")
    client.force_login(cast.ada)
    address = f"{ROLES}/{role.pk}/switch-"

    assert client.get(f"{address}off/").status_code == 200
    assert not Role.objects.get(pk=role.pk).is_off
    assert client.post(f"{address}off/", {"reason": "why"}).status_code == 302
    assert Role.objects.get(pk=role.pk).is_off
    assert client.post(f"{address}off/").status_code == 403
    assert client.post(f"{address}on/").status_code == 302
    assert not Role.objects.get(pk=role.pk).is_off


def test_whoever_may_not_change_it_may_not_switch_it(client, cast):
    client.force_login(staff(cast.guest, "accounts.view_role", "accounts.change_role"))
    statuses = {
        name: client.post(f"{ROLES}/{Role.objects.get(name=name).pk}/switch-off/").status_code
        for name in ("developer", "viewer", "admin")
    }

    assert statuses == {"developer": 302, "viewer": 403, "admin": 403}
