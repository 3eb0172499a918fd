"""What stands behind every admin page: no change without its entry, no deed by a link."""

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError

from accounts.models import SetupLink, UsageLimit, User
from audit import record
from audit.models import Entry
from audit.recorded import DeedsOnlyAdmin, ReadOnlyAdmin, RecordedAdmin
from tests.admin_pages import changes, deeds, furnish

pytestmark = pytest.mark.django_db

ADD = "/admin/accounts/usagelimit/add/"


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


def limit(cast, **values):
    return {"user": cast.dev.pk, "period_days": 30, "max_requests": 5} | values


def test_every_model_of_the_house_is_read_only_or_recorded():
    ours = {"accounts", "registry", "gateway", "audit", "auth"}
    others = [
        model._meta.label
        for model, pages in admin.site._registry.items()
        if model._meta.app_label in ours and not isinstance(pages, ReadOnlyAdmin | RecordedAdmin)
    ]

    assert others == []


def test_adding_changing_and_deleting_each_leave_an_entry(ada, cast):
    ada.post(ADD, limit(cast))
    row = UsageLimit.objects.get()
    address = f"/admin/accounts/usagelimit/{row.pk}"
    ada.post(f"{address}/change/", limit(cast, max_requests=9))
    ada.post(f"{address}/delete/", {"post": "yes"})

    model = "accounts.usagelimit"
    assert changes() == [
        ("ada@example.com", "added", model, ["user", "max_requests"]),
        ("ada@example.com", "changed", model, ["max_requests"]),
        ("ada@example.com", "deleted", model, []),
    ]
    changed = Entry.objects.order_by("pk")[1]
    assert (changed.door, changed.role) == ("admin", "admin")
    assert changed.detail["values"] == {"max_requests": [5, 9]}


def test_deleting_many_at_once_leaves_an_entry_for_each(ada, cast):
    rows = [UsageLimit.objects.create(user=one) for one in (cast.dev, cast.guest)]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}

    ada.post("/admin/accounts/usagelimit/", chosen | {"post": "yes"})

    assert UsageLimit.objects.count() == 0
    assert [action for _, action, _, _ in changes()] == ["deleted", "deleted"]


def test_what_cannot_be_recorded_is_not_done(ada, cast, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("the record does not answer")

    monkeypatch.setattr(record, "write", broken)
    ada.raise_request_exception = False

    assert ada.post(ADD, limit(cast)).status_code == 500
    assert UsageLimit.objects.count() == 0


def test_no_deed_is_done_by_a_link(ada, cast):
    for pages in admin.site._registry.values():
        for deed in deeds(pages):
            for row in pages.model._default_manager.all()[:3]:
                address = f"/admin/{pages.opts.app_label}/{pages.opts.model_name}/{row.pk}"
                ada.get(f"{address}/{deed.path}/")

    assert changes() == []
    assert set(User.objects.values_list("status", flat=True)) == {"active", "suspended"}


def test_a_deed_needs_the_csrf_token(cast):
    from django.test import Client  # noqa: PLC0415  one that checks, unlike the fixture's

    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.ada)

    assert client.post(f"/admin/accounts/user/{cast.dev.pk}/suspend/").status_code == 403
    cast.dev.refresh_from_db()
    assert cast.dev.status == User.Status.ACTIVE


def test_a_deed_that_fails_says_why_and_leaves_nothing(ada, cast, monkeypatch):
    def refuse(obj, action, **detail):
        raise ValidationError("not like this")

    monkeypatch.setattr("audit.changes.note", refuse)
    response = ada.post(f"/admin/accounts/user/{cast.dev.pk}/setup-link/")

    assert (response.status_code, SetupLink.objects.count()) == (200, 0)
    assert b"not like this" in response.content


def test_a_deed_on_nobody_is_not_found(ada):
    assert ada.get("/admin/accounts/user/999999/suspend/").status_code == 404


def test_rows_that_only_have_deeds_cannot_be_added_or_deleted(rf, cast):
    request = rf.get("/")
    request.user = cast.ada
    only_deeds = [p for p in admin.site._registry.values() if isinstance(p, DeedsOnlyAdmin)]

    assert {p.opts.label for p in only_deeds} == {
        "accounts.AccessRequest",
        "accounts.ApiKey",
        "accounts.PolicyVersion",
        "gateway.Approval",
        "gateway.Call",
        "gateway.Incident",
        "registry.ConnectedAccount",
        "registry.Tool",
    }
    assert not any(p.has_add_permission(request) for p in only_deeds)
    assert not any(p.has_delete_permission(request) for p in only_deeds)


@pytest.mark.parametrize(
    ("query", "said"), [("", "Nothing here yet."), ("?q=nowhere", "Nothing fits these filters.")]
)
def test_an_empty_list_says_why_it_is_empty_and_promises_nothing_else(ada, query, said):
    page = ada.get(f"/admin/accounts/servergrant/{query}").content.decode()

    assert (said in page, "yielded" in page) == (True, False)
    assert ('href="?"' in page) == bool(query)


def test_a_list_offers_to_show_all_only_where_filters_are_set(ada, cast):
    furnish(cast)
    address = "/admin/gateway/question/"

    assert "Show all" not in ada.get(address).content.decode()
    assert '(<a href="?">Show all</a>)' in ada.get(f"{address}?q=e").content.decode()
