"""What a role's rights open in the admin."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission

from accounts import backends
from accounts.authority import Right
from accounts.models import User

pytestmark = pytest.mark.django_db

PAGES = {
    "people": "/admin/accounts/user/",
    "rules": "/admin/accounts/rule/",
    "servers": "/admin/registry/server/",
    "record": "/admin/audit/entry/",
}
OPENED = {
    "can_manage_users": ["people"],
    "can_promote_users": ["people"],
    "can_modify_config": ["rules", "servers"],
    "can_view_audit_logs": ["record"],
    "can_execute_dangerous_tools": [],
}


@pytest.mark.parametrize("flag", OPENED)
def test_a_right_opens_its_pages_of_the_admin_and_no_others(client, cast, flag):
    setattr(cast.dev.role, flag, True)
    cast.dev.role.save()
    client.force_login(User.objects.get(pk=cast.dev.pk))

    opened = [name for name, page in PAGES.items() if client.get(page).status_code == 200]
    assert opened == OPENED[flag]


def test_a_right_is_gone_with_the_standing(cast):
    cast.sue.role.can_manage_users = True
    cast.sue.role.save()

    assert User.objects.get(pk=cast.dev.pk).has_perm("accounts.change_user")
    assert not User.objects.get(pk=cast.sue.pk).has_perm("accounts.change_user")


def test_every_model_named_there_is(cast):
    named = {
        model for pages in backends.PAGES.values() for models in pages.values() for model in models
    }
    assert {apps.get_model(model)._meta.label_lower for model in named} == named
    assert set(backends.PAGES) == set(Right)


def test_permissions_by_name_still_count(cast):
    permission = Permission.objects.filter(codename="view_entry").first()
    cast.dev.user_permissions.add(permission)

    assert User.objects.get(pk=cast.dev.pk).get_all_permissions() == {"audit.view_entry"}
