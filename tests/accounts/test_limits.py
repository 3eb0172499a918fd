"""Rates in words, whose they are, who is exempt, and what happens when Redis is gone."""

from uuid import uuid4

import pytest

from accounts import limits
from accounts.errors import LimitReached
from accounts.models import Counter, Role, Rule, Team

pytestmark = pytest.mark.django_db

# Where nobody listens: refused at once.
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def name() -> str:
    """A name nobody has counted for yet."""
    return str(uuid4())


def admitted(allowed, times: int) -> int:
    for done in range(times):
        try:
            limits.hit(allowed)
        except LimitReached:
            return done
    return times


def test_zero_is_no_limit_and_writes_nothing(name, django_assert_num_queries):
    with django_assert_num_queries(0):
        limits.hit(limits.per_hour(name, 0, whose="x"))
        limits.hit(limits.per_minute(name, 0, 0, whose="x"))


def test_a_minute_and_a_burst_both_hold(name):
    assert admitted(limits.per_minute(name, 4, 100, whose="x"), times=8) == 4
    assert admitted(limits.per_minute(f"{name} burst", 100, 3, whose="x"), times=8) == 3


def test_what_the_burst_refuses_does_not_count_in_its_minute(name):
    allowed = limits.per_minute(name, 100, 1, whose="x")
    admitted(allowed, times=5)

    (minute, count), _ = limits.standing(allowed)

    assert (minute.kind, count.used) == ("calls_per_minute", 1)


def test_who_is_stopped_is_told_limit_use_and_when_it_is_over(name):
    allowed = limits.per_hour(name, 2, whose="the role viewer")
    admitted(allowed, times=2)

    with pytest.raises(LimitReached) as caught:
        limits.hit(allowed)

    reached = caught.value
    details = reached.details()
    assert 3590 <= details.pop("reset_seconds") <= 3660
    assert details == {
        "kind": "requests_per_hour",
        "whose": "the role viewer",
        "limit": 2,
        "used": 2,
        "held": 0,
    }
    assert (reached.code, reached.status) == ("limit_reached", 429)
    assert str(reached).startswith(
        "The limit of 2 requests an hour of the role viewer is reached: 2 used; try again in 6"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (120, "120 seconds"),
        (121, "3 minutes"),
        (7201, "3 hours"),
        (864_000, "10 days"),
    ],
)
def test_a_wait_is_said_as_exactly_as_needed_and_never_too_short(seconds, words):
    reached = LimitReached("x", kind="x", whose="x", limit=1, used=1, reset_seconds=seconds)

    assert str(reached).endswith(f"try again in {words}.")


def test_without_redis_the_database_counts_and_nothing_is_open(name, settings):
    settings.REDIS_URL = NO_REDIS

    assert admitted(limits.per_hour(name, 3, whose="x"), times=8) == 3
    assert Counter.objects.get(name=f"{name}/3600").slots != {}


def test_a_redis_that_failed_is_left_alone_for_a_while(name, settings, monkeypatch):
    settings.REDIS_URL = NO_REDIS
    limits.hit(limits.per_hour(name, 3, whose="x"))

    # Whoever asked this one again would wait, and not come back in time.
    monkeypatch.setattr(limits, "_redis", None)
    limits.hit(limits.per_hour(name, 3, whose="x"))


@pytest.mark.redis
def test_where_there_is_redis_the_database_counts_nothing(name):
    assert admitted(limits.per_hour(name, 3, whose="x"), times=8) == 3
    assert Counter.objects.count() == 0


# --- Whose limit ----------------------------------------------------------------------------------
def hourly(user):
    return [(one.rate.limit, one.whose) for one in limits.requests_of(user)]


@pytest.mark.parametrize(
    ("who", "own", "teams", "default", "rate"),
    [
        ("dev", 10, [], 7, [(10, "the role developer")]),
        ("dev", 0, [], 7, []),
        ("dev", 10, [5], 7, [(10, "the role developer")]),
        ("guest", None, [9, 5], 7, [(5, "the role team-1")]),
        ("guest", None, [0, 5], 7, [(5, "the role team-1")]),
        ("guest", None, [0], 7, []),
        ("guest", None, [], 7, [(7, "people without a role")]),
        ("guest", None, [], 0, []),
        ("ada", 10, [], 7, []),
    ],
)
def test_which_rate_holds_for_whom(cast, settings, who, own, teams, default, rate):
    settings.DEFAULT_REQUESTS_PER_HOUR = default
    user = getattr(cast, who)
    if own is None:
        user.role = None
    else:
        user.role.requests_per_hour = own
        user.role.save()
    user.save()
    for number, limit in enumerate(teams):
        role = Role.objects.create(name=f"team-{number}", requests_per_hour=limit)
        Team.objects.create(key=f"team-{number}", default_role=role).members.add(user)

    assert hourly(user) == rate


def test_the_default_users_role_limits_whoever_has_none(cast):
    Role.objects.filter(name="viewer").update(requests_per_hour=4)
    Rule.objects.create(kind=Rule.Kind.DEFAULT_USER, condition={"role": "viewer"})
    cast.dev.role = None
    cast.dev.save()

    assert hourly(cast.dev) == [(4, "the role viewer")]


@pytest.mark.parametrize(
    ("who", "of_role", "of_everybody", "limit"),
    [
        ("dev", 2, 5, (2, "the role developer")),
        ("dev", 9, 5, (5, "everybody")),
        ("dev", 0, 5, (5, "everybody")),
        ("dev", 2, 0, (2, "the role developer")),
        ("dev", 0, 0, (0, "")),
        ("ada", 2, 5, (0, "")),
    ],
)
def test_how_many_questions_at_once_for_whom(cast, settings, who, of_role, of_everybody, limit):
    settings.MAX_CONCURRENT_QUESTIONS = of_everybody
    user = getattr(cast, who)
    user.role.concurrent_requests = of_role

    assert limits.at_once(user) == limit
