"""Budgets: held before, settled after, never exceeded; windows, warnings, and whose they are."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from accounts import budgets, meters
from accounts.budgets import Amounts
from accounts.errors import LimitReached
from accounts.models import Hold, Meter, Role, Team, UsageLimit, User
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

DEV = Who(person="dev@example.com")
MOST = Amounts(1000, Decimal(2))


@pytest.fixture
def limit(cast):
    """Makes the limit of Dev, with these values."""

    def make(**values):
        return UsageLimit.objects.create(user=cast.dev, **values)

    return make


def hold(user, most=MOST):
    holder = uuid4()
    budgets.hold(user, holder, most, who=DEV)
    return holder


def held(user, times):
    """How many questions in a row may start."""
    for done in range(times):
        try:
            hold(user)
        except LimitReached:
            return done
    return times


def settle(holder, tokens=0, cost: str | None = "0"):
    used = Amounts(tokens, None if cost is None else Decimal(cost))
    return budgets.settle(holder, used, who=DEV)


def stands(user):
    return {line.kind: (line.limit, line.used, line.held) for line in meters.standing(user)}


def age(days):
    """Let the windows have begun so much earlier, by the database's clock."""
    Meter.objects.update(began_at=Now() - timedelta(days=days))


# --- Hold and settle ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "starts"),
    [
        ({"max_requests": 3}, 3),
        ({"max_requests": 0}, 0),
        ({"max_tokens": 2500}, 3),
        ({"max_tokens": 2000}, 2),
        ({"max_cost": Decimal("4.0001")}, 3),
        ({"max_cost": 4}, 2),
        ({"max_requests": 9, "max_tokens": 9000, "max_cost": 2}, 1),
        ({}, 9),
    ],
)
def test_as_many_start_as_what_they_hold_leaves_room_for(cast, limit, values, starts):
    limit(**values)

    assert held(cast.dev, 9) == starts
    assert held(cast.guest, 9) == 9


def test_a_question_holds_no_more_than_is_left(cast, limit):
    limit(max_tokens=1500, max_cost=3)

    first, second = hold(cast.dev), hold(cast.dev)

    rows = {row.holder: (row.tokens, row.cost) for row in Hold.objects.all()}
    assert rows == {first: (1000, Decimal(2)), second: (500, Decimal(1))}


def test_what_was_really_used_counts_in_place_of_what_was_held(cast, limit):
    limit(max_requests=10, max_tokens=10_000, max_cost=10)
    holder = hold(cast.dev)
    assert stands(cast.dev) == {
        "requests": (10, 0, 1),
        "tokens": (10_000, 0, 1000),
        "cost": (10, 0, 2),
    }

    settle(holder, tokens=400, cost="0.25")

    assert stands(cast.dev) == {
        "requests": (10, 1, 0),
        "tokens": (10_000, 400, 0),
        "cost": (10, Decimal("0.25"), 0),
    }


def test_settling_twice_counts_once(cast, limit):
    limit(max_tokens=10_000)
    holder = hold(cast.dev)

    settle(holder, tokens=400)
    settle(holder, tokens=400)

    assert stands(cast.dev)["tokens"] == (10_000, 400, 0)


def test_a_cost_that_is_unknown_counts_as_all_that_was_held(cast, limit):
    limit(max_cost=5)
    settle(hold(cast.dev), cost=None)

    assert stands(cast.dev)["cost"] == (5, 2, 0)
    assert Meter.objects.get().unpriced == 1


def test_a_turn_that_broke_off_counts_as_the_most_it_may_have_used(cast, limit):
    limit(max_tokens=10_000, max_cost=5)
    holder = hold(cast.dev)

    budgets.lose(holder, Amounts(300, Decimal("0.5")))
    budgets.lose(holder, Amounts(200, None))
    settle(holder, tokens=100, cost="0.25")

    assert stands(cast.dev)["tokens"] == (10_000, 600, 0)
    assert stands(cast.dev)["cost"] == (5, Decimal("0.75"), 0)


def test_a_released_question_leaves_nothing_behind(cast, limit):
    limit(max_requests=1)
    budgets.release(hold(cast.dev))

    assert stands(cast.dev)["requests"] == (1, 0, 0)


def test_a_direct_call_is_one_request_for_good(cast, limit):
    limit(max_requests=2, max_tokens=0)
    for _ in range(2):
        budgets.take(cast.dev, who=DEV)

    with pytest.raises(LimitReached):
        budgets.take(cast.dev, who=DEV)
    assert stands(cast.dev)["requests"] == (2, 2, 0)


def test_whoever_has_no_budget_writes_nothing(cast):
    settle(hold(cast.dev))
    budgets.take(cast.dev, who=DEV)

    assert (Meter.objects.count(), Hold.objects.count()) == (0, 0)


# --- Before each turn -----------------------------------------------------------------------------
def covers(holder, used, upcoming):
    try:
        budgets.cover(holder, used, upcoming)
    except LimitReached as reached:
        return reached.kind
    return ""


@pytest.mark.parametrize(
    ("used", "upcoming", "stopped_by"),
    [
        (Amounts(600, Decimal(1)), Amounts(400, Decimal(1)), ""),
        (Amounts(600, Decimal(1)), Amounts(401, Decimal(1)), "budget_tokens"),
        (Amounts(600, Decimal(1)), Amounts(400, Decimal("1.01")), "budget_cost"),
        (Amounts(600, None), Amounts(400, Decimal("9")), ""),
        (Amounts(600, Decimal(1)), Amounts(400, None), ""),
    ],
)
def test_a_turn_that_may_use_more_than_is_held_is_not_begun(
    cast, limit, used, upcoming, stopped_by
):
    limit(max_tokens=9000, max_cost=9)

    assert covers(hold(cast.dev), used, upcoming) == stopped_by


def test_a_limit_lowered_meanwhile_stops_the_next_turn(cast, limit):
    row = limit(max_tokens=9000)
    settle(hold(cast.dev), tokens=900)
    holder = hold(cast.dev)
    upcoming = Amounts(100, Decimal(0))
    assert covers(holder, Amounts(0, Decimal(0)), upcoming) == ""

    row.max_tokens = 950
    row.save()

    assert covers(holder, Amounts(0, Decimal(0)), upcoming) == "budget_tokens"


# --- Windows --------------------------------------------------------------------------------------
def test_a_window_begins_with_the_first_use_and_is_over_after_its_days(cast, limit):
    limit(max_requests=1, period_days=7)
    assert [line.resets_at for line in meters.standing(cast.dev)] == [None]
    settle(hold(cast.dev))

    age(6.99)
    assert held(cast.dev, 1) == 0
    age(7)
    assert stands(cast.dev)["requests"] == (1, 0, 0)
    assert [line.resets_at for line in meters.standing(cast.dev)] == [None]
    assert held(cast.dev, 2) == 1


def test_what_is_under_way_when_a_window_ends_counts_in_the_next(cast, limit):
    limit(max_requests=2, max_tokens=3000, period_days=1)
    holder = hold(cast.dev)
    age(1)

    settle(holder, tokens=700)

    assert stands(cast.dev) == {"requests": (2, 1, 0), "tokens": (3000, 700, 0)}


def test_whoever_is_stopped_is_told_what_is_used_held_and_when_it_is_over(cast, limit):
    limit(max_cost=5, period_days=30)
    settle(hold(cast.dev), cost="3.5")
    hold(cast.dev)
    age(10)

    with pytest.raises(LimitReached) as caught:
        hold(cast.dev)

    assert str(caught.value) == (
        "The limit of 5 dollars in 30 days of dev@example.com is reached: 3.5 used, 1.5 held for"
        " questions under way; try again in 20 days."
    )
    details = caught.value.details()
    assert 20 * 86_400 - 5 <= details.pop("reset_seconds") <= 20 * 86_400
    assert details == {
        "kind": "budget_cost",
        "whose": "dev@example.com",
        "limit": 5.0,
        "used": 3.5,
        "held": 1.5,
    }


# --- The warning ----------------------------------------------------------------------------------
def warnings():
    return [
        [(line["kind"], line["percent"]) for line in entry.detail["near"]]
        for entry in Entry.objects.filter(kind=Entry.Kind.LIMIT_REACHED).order_by("pk")
    ]


def test_at_eighty_percent_the_record_says_so_once_a_window(cast, limit):
    limit(max_tokens=1000, period_days=1)
    near = [settle(hold(cast.dev), tokens=tokens) for tokens in (799, 1, 1)]

    assert [[line.percent for line in lines] for lines in near] == [[], [80], [80]]
    assert warnings() == [[("budget_tokens", 80)]]
    age(1)
    settle(hold(cast.dev), tokens=900)
    assert warnings() == [[("budget_tokens", 80)], [("budget_tokens", 90)]]


def test_requests_under_way_count_for_the_warning_tokens_that_are_held_do_not(cast, limit):
    limit(max_requests=5, max_tokens=1000)
    budgets.take(cast.dev, who=DEV)
    hold(cast.dev)
    assert warnings() == []

    for _ in range(2):
        budgets.take(cast.dev, who=DEV)

    assert warnings() == [[("budget_requests", 80)]]


# --- Whose ----------------------------------------------------------------------------------------
def of_role(name, **values):
    role, _ = Role.objects.get_or_create(name=name)
    return UsageLimit.objects.create(role=role, **values)


def test_each_person_of_a_role_has_the_roles_budget_by_themselves(cast):
    of_role("developer", max_requests=2)
    other = User.objects.create_user("eve@example.com", role=cast.dev.role)

    assert [held(one, 5) for one in (cast.dev, other, cast.guest)] == [2, 2, 5]


@pytest.mark.parametrize(("own", "starts"), [({"max_requests": 4}, 4), ({}, 6)])
def test_ones_own_limit_replaces_the_roles_wholly(cast, limit, own, starts):
    of_role("developer", max_requests=2)
    limit(**own)

    assert held(cast.dev, 6) == starts


def test_of_the_roles_of_several_teams_each_holds(cast):
    cast.dev.role = None
    cast.dev.save()
    for name, values in (("a", {"max_requests": 3}), ("b", {"max_tokens": 2000})):
        team = Team.objects.create(key=name, default_role=of_role(name, **values).role)
        team.members.add(cast.dev)

    assert held(cast.dev, 6) == 2
    # What the second refused was not kept of the first either.
    assert stands(cast.dev) == {"requests": (3, 0, 2), "tokens": (2000, 0, 2000)}


def test_a_super_admin_is_exempt_from_the_roles_budget_not_from_their_own(cast):
    of_role("admin", max_requests=1)
    assert held(cast.ada, 3) == 3

    UsageLimit.objects.create(user=cast.ada, max_requests=1)
    assert held(cast.ada, 3) == 1


def test_a_changed_limit_counts_from_the_next_question_on(cast, limit):
    row = limit(max_requests=1)
    assert held(cast.dev, 3) == 1
    row.max_requests = 2
    row.save()
    assert held(cast.dev, 3) == 1
    row.delete()
    assert held(cast.dev, 3) == 3
