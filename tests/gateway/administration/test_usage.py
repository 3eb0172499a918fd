"""How others stand with their limits, over REST and on the admin's page."""

from decimal import Decimal
from uuid import uuid4

import pytest

from accounts import budgets
from accounts.budgets import Amounts
from accounts.models import Role, Rule, Team, UsageLimit, User
from audit.record import Who
from tests.admin_pages import staff

pytestmark = pytest.mark.django_db

PATH, PAGE = "/api/admin/usage", "/admin/usage/"
DEV = Who(person="dev@example.com")


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


@pytest.fixture
def used(cast):
    """Dev has used 85 of 100 tokens, and a question under way holds 10 more."""
    UsageLimit.objects.create(role=cast.dev.role, max_tokens=100, max_cost=5)
    for tokens in (85, None):
        holder = uuid4()
        budgets.hold(cast.dev, holder, Amounts(10, Decimal("0.5")), who=DEV)
        if tokens:
            budgets.settle(holder, Amounts(tokens, Decimal(0)), who=DEV)


def shown(answer, *names):
    return {
        one["person"].split("@")[0]: [tuple(line[name] for name in names) for line in one["limits"]]
        for one in answer.json()["items"]
    }


def test_everybody_is_shown_with_what_is_used_and_held(ada, cast, used, settings):
    settings.MAX_CONCURRENT_QUESTIONS = 4
    Role.objects.filter(name="viewer").update(requests_per_hour=7)

    told = shown(ada.get(PATH), "kind", "limit", "used", "held", "percent")

    at_once = ("concurrent_requests", 4, 0, 0, 0)
    assert told == {
        "ada": [],
        "dev": [at_once, ("budget_tokens", 100, 85, 10, 85), ("budget_cost", 5, 0, 0.5, 0)],
        "guest": [("requests_per_hour", 7, 0, 0, 0), at_once],
        "sue": [at_once, ("budget_tokens", 100, 0, 0, 0), ("budget_cost", 5, 0, 0, 0)],
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"person": "DEV@example.com"}, ["dev"]),
        ({"role": "developer"}, ["dev", "sue"]),
        ({"role": "reader"}, ["by_team"]),
        ({"role": "viewer"}, ["guest", "nobody"]),
        ({"search": "GUE"}, ["guest"]),
        ({"near": "true"}, ["dev"]),
        ({"near": "false", "limit": "2"}, ["ada", "by_team"]),
        ({"role": "viewer", "near": "true"}, []),
    ],
)
def test_people_are_found_by_the_roles_that_count_and_by_what_is_near(
    ada, cast, used, asked, found
):
    team = Team.objects.create(key="red", default_role=Role.objects.create(name="reader"))
    team.members.add(User.objects.create_user("by_team@example.com"), cast.dev)
    User.objects.create_user("nobody@example.com")
    Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "viewer"})

    assert list(shown(ada.get(PATH, asked))) == found


def test_a_limit_that_counts_no_more_brings_nobody_near(ada, cast, used):
    UsageLimit.objects.create(user=cast.dev, max_tokens=1000)

    assert shown(ada.get(PATH, {"near": "true"})) == {}


@pytest.mark.parametrize(("asked", "field"), [({"near": "yes"}, "near"), ({"team": "x"}, "team")])
def test_what_is_no_filter_is_told_by_name(ada, asked, field):
    answer = ada.get(PATH, asked)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_a_page_of_many_takes_as_many_looks_at_budgets_as_a_page_of_one(
    ada, cast, used, django_assert_max_num_queries
):
    for number in range(20):
        User.objects.create_user(f"p{number}@example.com", role=cast.dev.role)
    ada.get(PATH)

    # A look at the marks for each person, and no more.
    with django_assert_max_num_queries(24 + 25):
        assert len(ada.get(PATH).json()["items"]) == 24


@pytest.mark.parametrize("right", ["can_view_audit_logs", "can_manage_users"])
def test_either_right_lets_in_and_none_does_not(cast, client, client_of, used, right):
    key = client_of(cast.guest, scopes=["admin"])
    client.force_login(staff(cast.guest))
    assert [key.get(PATH).status_code, client.get(PAGE).status_code] == [403, 403]
    assert PAGE not in client.get("/admin/").content.decode()

    Role.objects.filter(name="viewer").update(**{right: True})
    assert [key.get(PATH).status_code, client.get(PAGE).status_code] == [200, 200]
    assert PAGE in client.get("/admin/").content.decode()


def test_the_page_says_each_limit_in_words_and_shows_hostile_names_as_text(client, cast, used):
    User.objects.filter(pk=cast.dev.pk).update(name="<script>alert(1)</script>")
    client.force_login(cast.ada)

    text = client.get(PAGE, {"near": "true"}).content.decode()

    for said in ("85 of 100 used (85 %)", "10 held", "resets in 30 days", "<b>near</b>"):
        assert said in text
    assert ("Tokens in 30 days" in text, "sue@example.com" in text) == (True, False)
    assert "<script>alert(1)" not in text
