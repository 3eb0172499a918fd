"""The policy's versions over REST."""

import pytest

from accounts import access
from accounts.models import PolicyVersion, Role, Rule
from audit.models import Entry

pytestmark = pytest.mark.django_db

VERSIONS = "/api/admin/policy/versions"


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


@pytest.fixture
def two(cast, upstream):
    """The first version, and one that takes all tools but echo from developers."""
    first = PolicyVersion.objects.get()
    Rule.objects.filter(kind="role").update(patterns=["echo", "add"])
    return first, access.publish("bob@example.com", "narrowed")


def lost(change):
    return change["who"], change["before"], change["after"], "slow" in change["tools"]


def test_versions_are_listed_newest_first(ada, two):
    listed = ada.get(VERSIONS).json()
    assert [(one["id"], one["author"], one["in_force"]) for one in listed["items"]] == [
        (two[1].pk, "bob@example.com", True),
        (two[0].pk, "tests", False),
    ]
    by_author = ada.get(VERSIONS, {"author": "tests"}).json()
    assert [one["id"] for one in by_author["items"]] == [two[0].pk]


def test_a_version_is_shown_with_what_it_changed_in_rules_and_in_effect(ada, two):
    shown = ada.get(f"{VERSIONS}/{two[1].pk}").json()

    assert (shown["note"], shown["document"]) == ("narrowed", two[1].document)
    assert shown["difference"] == [
        "role_restrictions.developer on upstream: allow_only: removed get_*, slow, fail, big, "
        "headers"
    ]
    assert [lost(change) for change in shown["effect"]] == [
        ("role developer", "allow", "deny", True)
    ]
    assert shown["effect"][0]["text"].startswith("role developer loses on upstream: big, fail, ")


def test_two_versions_are_compared_in_both_directions(ada, two):
    there = ada.get(f"{VERSIONS}/compare", {"before": two[0].pk}).json()
    back = ada.get(f"{VERSIONS}/compare", {"before": two[1].pk, "after": two[0].pk}).json()

    assert [lost(change) for change in there["effect"]] == [
        ("role developer", "allow", "deny", True)
    ]
    assert {lost(change)[:3] for change in back["effect"]} == {("role developer", "deny", "allow")}
    assert (there["before"], there["after"]) == (two[0].pk, two[1].pk)


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [({}, 400, "before"), ({"before": "x"}, 400, "before"), ({"before": "999999"}, 404, None)],
)
def test_a_version_that_is_none_cannot_be_compared(ada, two, asked, status, field):
    answer = ada.get(f"{VERSIONS}/compare", asked)
    assert (answer.status_code, answer.json()["error"].get("field")) == (status, field)


def test_a_super_admin_rolls_back(ada, two):
    answer = ada.post(f"{VERSIONS}/{two[0].pk}/rollback")

    assert (answer.status_code, answer.json()["in_force"]) == (200, True)
    assert access.current()[1] == two[0].digest
    entry = Entry.objects.filter(kind="policy.changed").latest("pk")
    assert (entry.person, entry.door) == ("ada@example.com", "rest")


def test_nobody_else_does_whatever_their_role_may(client_of, cast, two):
    Role.objects.filter(name="developer").update(can_modify_config=True)
    dev = client_of(cast.dev, scopes=["admin"])

    assert dev.get(VERSIONS).status_code == 200
    answer = dev.post(f"{VERSIONS}/{two[0].pk}/rollback")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")
    assert access.current()[1] == two[1].digest


def test_the_version_in_force_is_a_conflict_and_an_unknown_one_is_not_found(ada, two):
    answers = [ada.post(f"{VERSIONS}/{pk}/rollback") for pk in (two[1].pk, 999_999)]
    assert [one.status_code for one in answers] == [409, 404]
    assert PolicyVersion.objects.count() == 2
