"""The record's pages: everybody may at most read, and finding an entry is easy."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
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


def test_the_address_holds_the_filters_and_a_wrong_one_is_told_by_name(ada, cast):
    record.write("auth.login", "ok", who=record.Who(person="bo@example.com"))
    record.write("auth.login", "ok", who=record.Who(person="eve@example.com"))

    page = ada.get(LIST, {"kind": "auth.login", "person": "bo@example.com"})
    wrong = ada.get(LIST, {"digest__startswith": "a"})

    assert [row.entry.person for row in page.context["rows"]] == ["bo@example.com"]
    assert (wrong.status_code, wrong.context["rows"]) == (400, [])
    assert "digest__startswith: There is no such filter" in wrong.content.decode()


def test_a_list_costs_the_same_queries_however_many_entries_there_are(ada, cast):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            ada.get(LIST)
        return [one["sql"] for one in seen if "audit_entry" in one["sql"]]

    few = queries()
    record.write_many(record.prepare("auth.login", "ok") for _ in range(60))
    [query] = queries()

    assert len(few) == 1
    assert [word for word in ("COUNT", "OFFSET", "arguments", "preview") if word in query] == []


def test_an_entry_tells_what_an_administrator_changed(ada, cast):
    detail = {"action": "changed", "model": "accounts.role", "values": {"name": ["dev", "dba"]}}
    entry = record.write("admin.changed", "ok", detail=detail)

    text = ada.get(f"{LIST}{entry.pk}/change/").content.decode()

    assert '<td class="rec-before">dev</td><td class="rec-after">dba</td>' in text
    assert ada.get(f"{LIST}999999/change/").status_code == 404
    assert ada.get(f"{LIST}nonsense/change/").status_code == 404


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
