"""The pages of the policy: what is saved is in force at once, or is not saved."""

import json

import pytest
from django.contrib.auth.models import Permission

from accounts import access
from accounts.models import PolicyVersion, Role, Rule
from audit.models import Entry
from tests.admin_pages import form_of

pytestmark = pytest.mark.django_db

RULES = "/admin/accounts/rule/"
ROLES = "/admin/accounts/role/"


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


def rule(**values):
    said = {"kind": "blocked", "patterns": '["delete_*"]', "condition": "{}", "position": 0}
    return said | {"server": "", "role": "", "name": "", "mode": ""} | values


def test_a_rule_is_in_force_at_once_and_on_the_record(ada):
    ada.post(f"{RULES}add/", rule())

    version = PolicyVersion.objects.order_by("-pk").first()
    assert access.current()[1] == version.digest
    assert version.document["blocked_tools"] == ["delete_*"]
    assert version.author == "ada@example.com"
    entry = Entry.objects.get(kind="policy.changed")
    assert (entry.person, entry.policy_version) == ("ada@example.com", version.digest)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"patterns": '["delete_[ab]"]'}, "blocked_tools"),
        ({"patterns": '["@nobody"]'}, "nobody"),
        ({"patterns": '"delete_*"'}, "must be a list"),
        ({"kind": "exposure", "server": "upstream", "mode": "sometimes"}, "sometimes"),
        ({"kind": "role", "server": "upstream", "role": "developer", "mode": "x"}, "x"),
        ({"kind": "default_effect", "mode": "perhaps"}, "perhaps"),
        ({"kind": "argument", "condition": '{"what": 1}'}, "what"),
    ],
)
def test_a_rule_that_makes_no_policy_is_a_form_error_and_changes_nothing(ada, values, said):
    before = (access.current()[1], Rule.objects.count())

    page = ada.post(f"{RULES}add/", rule(**values))

    faults = page.context["adminform"].form.non_field_errors()
    assert len(faults) == 1
    assert faults[0].startswith("The policy would not hold together:") and said in faults[0]
    assert (access.current()[1], Rule.objects.count()) == before


def test_deleting_a_rule_publishes(ada):
    group = Rule.objects.get(kind="group")

    ada.post(f"{RULES}{group.pk}/delete/", {"post": "yes"})

    assert "dangerous" not in PolicyVersion.objects.order_by("-pk").first().document["groups"]


def test_a_group_that_a_rule_needs_cannot_be_deleted(ada):
    Rule.objects.create(kind="blocked", patterns=["@dangerous"])
    access.publish("tests")
    group = Rule.objects.get(kind="group")

    one = ada.post(f"{RULES}{group.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    many = ada.post(RULES, chosen)

    assert b"would not hold together" in one.content
    assert b"would not hold together" in many.content
    assert Rule.objects.filter(pk=group.pk).exists()


def test_a_role_and_a_team_publish_as_well(ada):
    developer = Role.objects.get(name="developer")
    page = ada.get(f"{ROLES}{developer.pk}/change/")
    values = form_of(page) | {"denied_tools": '["drop_*"]'}
    assert ada.post(f"{ROLES}{developer.pk}/change/", values).status_code == 302
    ada.post("/admin/accounts/team/add/", {"key": "red", "default_role": developer.pk})

    document = PolicyVersion.objects.order_by("-pk").first().document
    assert document["roles"]["developer"]["denied_tools"] == ["drop_*"]
    assert document["teams"] == {"red": {"default_role": "developer"}}


def test_what_changes_nothing_makes_no_version(ada):
    developer = Role.objects.get(name="developer")
    before = PolicyVersion.objects.count()
    values = form_of(ada.get(f"{ROLES}{developer.pk}/change/")) | {"description": "Builds."}

    ada.post(f"{ROLES}{developer.pk}/change/", values)

    assert PolicyVersion.objects.count() == before
    assert not Entry.objects.filter(kind="policy.changed").exists()


def test_a_version_shows_what_it_changed(ada):
    ada.post(f"{RULES}add/", rule())
    newest = PolicyVersion.objects.order_by("-pk").first()

    page = ada.get(f"/admin/accounts/policyversion/{newest.pk}/change/").content.decode()

    assert "+    &quot;delete_*&quot;" in page
    assert json.dumps("admin_only_tools") not in page


def test_a_version_says_who_gained_what_by_it(ada, upstream):
    Rule.objects.filter(kind="role").update(patterns=["echo"])
    ada.post(f"{RULES}add/", rule())
    newest = PolicyVersion.objects.order_by("-pk").first()

    page = ada.get(f"/admin/accounts/policyversion/{newest.pk}/change/").content.decode()

    assert "role developer loses on upstream: add, big, fail, get_time, headers, slow" in page
    entry = Entry.objects.get(kind="policy.changed")
    assert [line[:40] for line in entry.detail["effect"]] == [
        "role developer loses on upstream: add, b"
    ]


def test_rolling_back_shows_what_it_changes_and_is_done_by_post_alone(ada):
    ada.post(f"{RULES}add/", rule())
    first, second = PolicyVersion.objects.order_by("pk")
    place = f"/admin/accounts/policyversion/{first.pk}/roll-back/"

    asked = ada.get(place)
    assert "global.blocked_tools: removed delete_*" in asked.content.decode()
    assert access.current()[1] == second.digest

    done = ada.post(place)
    assert (done.status_code, access.current()[1]) == (302, first.digest)
    newest = PolicyVersion.objects.order_by("-pk").first()
    assert (newest.author, newest.note) == ("ada@example.com", f"rolled back to version {first.pk}")


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_a_super_admin_rolls_back(client, cast, method):
    Rule.objects.create(kind="blocked", patterns=["delete_*"])
    second = access.publish("tests")
    first = PolicyVersion.objects.order_by("pk").first()
    cast.dev.is_staff = True
    cast.dev.save()
    cast.dev.user_permissions.set(Permission.objects.filter(codename__endswith="policyversion"))
    client.force_login(cast.dev)

    answer = getattr(client, method)(f"/admin/accounts/policyversion/{first.pk}/roll-back/")

    assert (answer.status_code, access.current()[1]) == (403, second.digest)
    page = client.get(f"/admin/accounts/policyversion/{first.pk}/change/")
    assert (page.status_code, b"roll-back" in page.content) == (200, False)


def test_the_version_in_force_offers_no_way_back_to_itself(ada):
    newest = PolicyVersion.objects.get()
    place = f"/admin/accounts/policyversion/{newest.pk}"
    assert b"roll-back" not in ada.get(f"{place}/change/").content
    assert ada.post(f"{place}/roll-back/").status_code == 403


@pytest.mark.parametrize("tools", ['["a[b]"]', '"*"', "[]", "[7]"])
def test_a_grant_with_patterns_that_are_none_is_refused(ada, cast, tools):
    values = {"user": cast.dev.pk, "server": "upstream", "tools": tools}
    page = ada.post("/admin/accounts/servergrant/add/", values)

    assert list(page.context["adminform"].form.errors) == ["tools"]
