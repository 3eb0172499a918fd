"""The record's pages: everybody may at most read, and finding an entry is easy."""

import pytest
from django.urls import reverse

from audit import record
from audit.errors import AppendOnlyError
from audit.models import Entry
from tests.admin_pages import furnish, staff, visit

pytestmark = pytest.mark.django_db

LIST = "/admin/audit/entry/"


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


def test_every_page_opens_and_none_can_add(ada, cast):
    pages = visit(ada, "audit", furnish(cast))

    assert sorted(pages) == [200, 403]
    assert pages[403] == ["/admin/audit/entry/add/", "/admin/audit/block/add/"]


def test_not_even_a_super_admin_changes_or_deletes_an_entry(ada, cast):
    entry = record.write(Entry.Kind.AUTH_LOGIN, Entry.Outcome.OK)
    address = reverse("admin:audit_entry_change", args=(entry.pk,))
    action = {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    before = Entry.objects.values().get(pk=entry.pk)

    assert ada.post(address, {"person": "somebody else"}).status_code == 403
    assert ada.post(f"/admin/audit/entry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    ada.post(LIST, action)

    assert Entry.objects.values().get(pk=entry.pk) == before
    with pytest.raises(AppendOnlyError):
        entry.delete()


def test_a_permission_to_change_entries_changes_nothing(client, cast):
    entry = record.write(Entry.Kind.AUTH_LOGIN, Entry.Outcome.OK)
    client.force_login(
        staff(cast.dev, "audit.view_entry", "audit.change_entry", "audit.delete_entry")
    )

    assert client.get(LIST).status_code == 200
    assert client.post(f"{LIST}{entry.pk}/change/", {"person": "x"}).status_code == 403


@pytest.mark.parametrize(("permissions", "status"), [((), 403), (("audit.view_entry",), 200)])
def test_who_may_view_the_record_sees_it_and_nobody_else(client, cast, permissions, status):
    client.force_login(staff(cast.dev, *permissions))

    assert client.get(LIST).status_code == status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"login", "call", "refusal"}),
        ("kind__exact=auth.login", {"login"}),
        ("outcome__exact=refused", {"refusal"}),
        ("effect=deny", {"refusal"}),
        ("server__icontains=shop", {"call"}),
        ("person__icontains=dev", {"call", "refusal"}),
        ("q=ada@example.com", {"login"}),
        ("q=0f9d3f64-55a5-4f0e-8a1a-7f4f9f0d2c22", {"call"}),
    ],
)
def test_entries_are_found_by_what_is_known_of_them(ada, query, found):
    Who = record.Who
    entries = {
        "login": record.write("auth.login", "ok", who=Who(person="ada@example.com")),
        "call": record.write(
            "call.called", "ok", who=Who(person="dev@example.com"), server="shop",
            question="0f9d3f64-55a5-4f0e-8a1a-7f4f9f0d2c22",
        ),
        "refusal": record.write(
            "call.refused", "refused", who=Who(person="dev@example.com"), server="bank",
            decision={"effect": "deny", "layer": "role", "rule": "r", "reason": "no"},
        ),
    }  # fmt: skip
    names = {entry.pk: name for name, entry in entries.items()}

    rows = ada.get(f"{LIST}?{query}").context["cl"].queryset

    assert {names[row.pk] for row in rows if row.pk in names} == found


@pytest.mark.parametrize(
    "address",
    [
        f"{LIST}?digest__startswith=a",
        f"{LIST}?_connector=OR",
        "/admin/accounts/user/?password__startswith=p",
        "/admin/accounts/apikey/?digest__startswith=a",
        "/admin/accounts/apikey/?user__password__startswith=p",
        "/admin/registry/server/?sealed__startswith=g",
        "/admin/gateway/question/?person__password__startswith=p",
    ],
)
def test_filters_come_from_a_fixed_list(ada, address):
    assert ada.get(address).status_code in (302, 400)
