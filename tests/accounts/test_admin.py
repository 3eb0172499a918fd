"""The pages of people: who may do what to whom."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from accounts.admin.people import REACH
from accounts.models import (
    ApiKey,
    Role,
    Rule,
    ServerGrant,
    SetupLink,
    Team,
    UsageLimit,
    User,
)
from audit.models import Entry
from tests.admin_pages import form_of, furnish, staff, visit
from tests.cast import open_to

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/accounts/user/"
RULES = "/admin/accounts/rule/"
ROLES = "/admin/accounts/role/"
LIMITS = "/admin/accounts/usagelimit/"
EMPTY_REACH = dict.fromkeys(REACH, "")


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


@pytest.fixture
def clerk(client, cast):
    """Guest, who may administer people, but is no super admin."""
    rights = ["view_user", "add_user", "change_user", "add_apikey", "add_servergrant"]
    rights += ["change_role", "add_rule", "change_rule", "change_team"]
    client.force_login(staff(cast.guest, *(f"accounts.{right}" for right in rights)))
    return client


def person(user, **values):
    return {"email": user.email, "name": user.name, "status": user.status, **values}


def test_every_page_opens_and_shows_no_secret(ada, cast):
    pages = visit(ada, "accounts", furnish(cast))

    assert sorted(pages) == [200, 403]
    assert [path for path in pages[403] if path.endswith("/add/")] == [
        "/admin/accounts/apikey/add/",
        "/admin/accounts/policyversion/add/",
        "/admin/accounts/accessrequest/add/",
    ]


def test_only_staff_who_may_act_see_the_admin(client, cast):
    client.force_login(cast.dev)
    assert client.get("/admin/", follow=True).status_code == 403

    client.force_login(staff(cast.dev))
    assert client.get("/admin/").status_code == 200
    assert client.get(PEOPLE).status_code == 403

    User.objects.filter(pk=cast.dev.pk).update(status=User.Status.SUSPENDED)
    assert client.get("/admin/", follow=True).request["PATH_INFO"] == "/login/"


# --- People ---------------------------------------------------------------------------------------
def test_a_new_person_has_no_password_until_they_set_one(ada):
    values = {"email": "New@Example.com", "status": "active", "allowed_mcps": '"*"'}
    ada.post(f"{PEOPLE}add/", values)

    new = User.objects.get(email="new@example.com")
    assert (new.has_usable_password(), new.allowed_mcps, new.is_staff) == (False, "*", False)


def test_what_a_new_person_has_no_value_for_is_an_empty_field(ada):
    form = ada.get(f"{PEOPLE}add/").context["adminform"].form

    assert [form[name].value() for name in REACH] == ["", "", ""]
    assert form.fields["teams"].help_text == ""

    ada.post(f"{PEOPLE}add/", {"email": "new@example.com", "status": "active", **EMPTY_REACH})
    new = User.objects.get(email="new@example.com")
    assert [getattr(new, name) for name in REACH] == [None, None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allowed_mcps", '{"upstream": "everything"}'),
        ("allowed_domains", "7"),
        ("allowed_databases", "[1]"),
    ],
)
def test_a_reach_that_the_policy_cannot_read_is_refused(ada, cast, field, value):
    page = ada.post(f"{PEOPLE}{cast.dev.pk}/change/", person(cast.dev, **{field: value}))

    assert page.status_code == 200
    assert list(page.context["adminform"].form.errors) == [field]


def test_no_password_and_no_last_login_can_be_posted(ada, cast):
    ada.post(f"{PEOPLE}{cast.dev.pk}/change/", person(cast.dev, password="hash", name="Devi"))

    before = cast.dev.password
    cast.dev.refresh_from_db()
    assert (cast.dev.name, cast.dev.password) == ("Devi", before)


@pytest.mark.parametrize(
    ("deed", "status"), [("suspend", User.Status.SUSPENDED), ("reactivate", User.Status.ACTIVE)]
)
def test_suspending_and_activating(ada, cast, deed, status):
    someone = cast.dev if deed == "suspend" else cast.sue

    ada.post(f"{PEOPLE}{someone.pk}/{deed}/", {"reason": "because"})

    someone.refresh_from_db()
    entry = Entry.objects.get(kind="person.changed")
    assert someone.status == status
    assert (entry.person, entry.detail["person"]) == ("ada@example.com", someone.email)
    assert (entry.detail["status"][1], entry.detail["reason"]) == (status, "because")


@pytest.mark.parametrize(("deed", "status"), [("approve", "active"), ("reject", "suspended")])
def test_whoever_waits_is_let_in_or_kept_out(ada, cast, deed, status):
    User.objects.filter(pk=cast.dev.pk).update(status=User.Status.PENDING)
    address = f"{PEOPLE}{cast.dev.pk}/"

    assert ada.post(f"{address}{deed}/").status_code == 302
    assert User.objects.get(pk=cast.dev.pk).status == status
    assert ada.post(f"{address}{deed}/").status_code == 403


def test_nobody_is_deleted(ada, cast):
    assert ada.post(f"{PEOPLE}{cast.dev.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("deed", ["suspend", "setup-link"])
def test_nobody_does_this_to_themselves(ada, cast, deed):
    assert ada.post(f"{PEOPLE}{cast.ada.pk}/{deed}/").status_code == 403


def test_nobody_edits_their_own_role_or_standing(ada, cast):
    role = Role.objects.get(name="viewer")
    values = person(cast.ada, role=role.pk, status="suspended", name="Ada L.")
    ada.post(f"{PEOPLE}{cast.ada.pk}/change/", values)

    cast.ada.refresh_from_db()
    assert (cast.ada.name, cast.ada.role.name, cast.ada.status) == ("Ada L.", "admin", "active")
    assert cast.ada.is_superuser


def test_a_set_up_link_is_shown_once_and_works(ada, cast):
    page = ada.post(f"{PEOPLE}{cast.dev.pk}/setup-link/")
    token = re.search(r"/setup/([\w-]+)", page.content.decode())[1]

    assert SetupLink.find(token).user == cast.dev
    assert "no-store" in page["Cache-Control"]
    assert token not in str(list(Entry.objects.values()))
    assert token not in ada.get(f"{PEOPLE}{cast.dev.pk}/change/").content.decode()


def test_an_api_key_is_shown_once_and_works_as_it_was_chosen(ada, cast):
    open_to(cast.dev, "upstream", "shop")
    values = {"name": "laptop", "scopes": ["tools"], "lifetime": "30", "servers": "upstream shop"}
    page = ada.post(f"{PEOPLE}{cast.dev.pk}/issue-key/", values)
    text = re.search(r"omni2_[0-9a-f]{12}_[\w-]+", page.content.decode())[0]

    key = ApiKey.objects.get()
    assert key.matches(text.split("_", 2)[2])
    assert (key.user, key.scopes, key.servers) == (cast.dev, ["tools"], ["upstream", "shop"])
    assert round((key.expires_at - key.created_at) / timedelta(days=1), 3) == 30
    # The key itself, and in a configuration to copy for each client.
    assert (page.content.decode().count(text), page.content.count(b"data-copies=")) == (6, 6)
    assert Entry.objects.get(kind="key.issued").person == "ada@example.com"
    assert text not in str(list(Entry.objects.values()))


def test_a_revoked_key_stays_revoked(ada, cast):
    key, _ = ApiKey.issue(cast.dev, "laptop")
    address = f"/admin/accounts/apikey/{key.pk}/revoke/"

    ada.post(address)

    key.refresh_from_db()
    assert not key.usable()
    assert ada.post(address).status_code == 403
    assert [e.detail["prefix"] for e in Entry.objects.filter(kind="key.revoked")] == [key.prefix]


# --- Whoever is not a super admin -----------------------------------------------------------------
def test_a_clerk_administers_people_who_are_nothing_special(clerk, cast):
    clerk.post(f"{PEOPLE}{cast.dev.pk}/change/", person(cast.dev, name="Devi"))
    clerk.post(f"{PEOPLE}{cast.dev.pk}/suspend/")

    cast.dev.refresh_from_db()
    assert (cast.dev.name, cast.dev.status) == ("Devi", "suspended")


@pytest.mark.parametrize("field", ["is_superuser", "is_staff"])
@pytest.mark.parametrize("whose", ["dev", "guest"])
def test_a_clerk_makes_nobody_an_administrator(clerk, cast, field, whose):
    someone = getattr(cast, whose)
    clerk.post(
        f"{PEOPLE}{someone.pk}/change/", person(someone, **{field: "on"}, user_permissions=[1])
    )

    found = User.objects.get(pk=someone.pk)
    assert not found.is_superuser
    assert found.is_staff == (whose == "guest")
    assert found.user_permissions.filter(pk=1).exists() is False


def test_a_super_admin_makes_administrators(ada, cast):
    ada.post(f"{PEOPLE}{cast.dev.pk}/change/", person(cast.dev, is_superuser="on", is_staff="on"))

    cast.dev.refresh_from_db()
    assert (cast.dev.is_superuser, cast.dev.is_staff) == (True, True)


@pytest.mark.parametrize("deed", ["suspend", "setup-link", "issue-key", "change"])
def test_a_clerk_does_nothing_to_a_super_admin(clerk, cast, deed):
    assert clerk.post(f"{PEOPLE}{cast.ada.pk}/{deed}/", {"name": "x"}).status_code == 403
    assert (SetupLink.objects.count(), ApiKey.objects.count()) == (0, 0)


@pytest.mark.parametrize("way", ["role", "team", "staff"])
def test_a_clerk_does_nothing_to_whoever_is_privileged(clerk, cast, way):
    admin = Role.objects.get(name="admin")
    if way == "role":
        cast.dev.role = admin
    if way == "team":
        cast.dev.teams.add(Team.objects.create(key="lead", default_role=admin))
    if way == "staff":
        cast.dev.is_staff = True
    cast.dev.save()

    assert clerk.post(f"{PEOPLE}{cast.dev.pk}/setup-link/").status_code == 403


def test_a_clerk_cannot_hand_out_a_role_or_team_that_bypasses_the_policy(clerk, cast):
    admin = Role.objects.get(name="admin")
    lead = Team.objects.create(key="lead", default_role=admin)
    address = f"{PEOPLE}{cast.dev.pk}/change/"

    clerk.post(address, person(cast.dev, role=admin.pk))
    clerk.post(address, person(cast.dev, teams=[lead.pk]))

    cast.dev.refresh_from_db()
    assert (cast.dev.role.name, cast.dev.teams.count()) == ("developer", 0)


def test_whoever_only_promotes_changes_roles_and_nothing_else(client, cast):
    cast.guest.role.can_promote_users = True
    cast.guest.role.save()
    client.force_login(User.objects.get(pk=cast.guest.pk))
    address = f"{PEOPLE}{cast.dev.pk}/"
    role = Role.objects.get(name="viewer")
    values = person(cast.dev, name="X", role=role.pk, status="suspended", allowed_mcps="[]")
    client.post(f"{address}change/", values)
    deeds = [client.post(f"{address}{deed}/").status_code for deed in ("setup-link", "suspend")]

    found = User.objects.get(pk=cast.dev.pk)
    assert (found.role, found.name, found.status, found.allowed_mcps) == (
        role,
        "Dev",
        "active",
        "*",
    )
    assert deeds == [403, 403]


def test_a_clerk_grants_to_others_but_not_to_themselves(clerk, cast):
    values = {"server": "upstream", "tools": '["*"]'}
    for user in (cast.dev, cast.guest, cast.ada):
        clerk.post("/admin/accounts/servergrant/add/", values | {"user": user.pk})

    assert [(g.user, g.granted_by) for g in ServerGrant.objects.all()] == [
        (cast.dev, "guest@example.com")
    ]
    assert Entry.objects.get(kind="grant.given").server == "upstream"


def test_a_clerk_changes_neither_their_own_role_nor_its_rules(clerk, cast):
    own = Role.objects.get(name="viewer")
    other = Role.objects.get(name="developer")
    rule = {"kind": "role", "server": "upstream", "mode": "allow_all", "position": 0}
    rule |= {"patterns": "[]", "condition": "{}"}

    values = form_of(clerk.get(f"{ROLES}{other.pk}/change/"))
    assert clerk.post(f"{ROLES}{own.pk}/change/", values).status_code == 403
    assert clerk.post(f"{ROLES}{other.pk}/change/", values).status_code == 302
    refused = clerk.post(f"{RULES}add/", rule | {"role": "viewer"})
    assert list(refused.context["adminform"].form.errors) == ["role"]
    assert Rule.objects.filter(role="viewer").count() == 0


def test_a_clerk_bounds_other_roles_and_people_and_not_their_own(clerk, cast):
    rights = Permission.objects.filter(codename__in=["add_usagelimit", "change_usagelimit"])
    cast.guest.user_permissions.add(*rights)
    own, other = cast.guest.role, cast.dev.role

    def add(**whose):
        page = clerk.post(f"{LIMITS}add/", {"period_days": 30, "max_requests": 1} | whose)
        return list(page.context["adminform"].form.errors) if page.status_code == 200 else None

    assert (add(role=own.pk), add(user=cast.guest.pk), add(user=cast.ada.pk)) == (
        ["role"],
        ["user"],
        ["user"],
    )
    assert (add(role=other.pk), add(user=cast.dev.pk)) == (None, None)

    forbidden = UsageLimit.objects.create(role=own, max_requests=1)
    for limit in UsageLimit.objects.filter(role__isnull=False):
        # A limit that is theirs to change cannot be made one of their own role, either.
        moved = {"role": cast.ada.role_id, "period_days": 30, "max_requests": 9}
        clerk.post(f"{LIMITS}{limit.pk}/change/", moved)

    found = {limit.role: limit.max_requests for limit in UsageLimit.objects.exclude(role=None)}
    assert (found, forbidden.role) == ({own: 1, other: 9}, own)
