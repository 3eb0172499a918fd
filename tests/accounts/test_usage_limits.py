"""Usage limits: who may set, change and lift which."""

from decimal import Decimal

import pytest

from accounts import usage_limits
from accounts.errors import BadValue, Conflict, NotAllowed
from accounts.models import Role, Team, UsageLimit
from audit.models import Entry
from audit.record import Who

WHO = Who(person="clerk@example.com")


@pytest.fixture
def clerk(cast):
    """Somebody who manages people, by a role of their own and by that of a team."""
    cast.guest.role = Role.objects.create(name="clerk", can_manage_users=True)
    cast.guest.save()
    by_team = Role.objects.create(name="by_team", can_manage_users=True)
    Team.objects.create(key="desk", default_role=by_team).members.add(cast.guest)
    Role.objects.create(name="above", can_modify_config=True)
    cast.sue.role = Role.objects.get(name="above")
    cast.sue.save()
    return cast.guest


def whose(cast, name):
    """The columns of a limit of that person or role."""
    person = getattr(cast, name, None)
    return {"user": person} if person else {"role": Role.objects.get(name=name)}


def allowed(act, *args, **values):
    try:
        act(*args, **values)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "by_clerk"),
    [
        ("dev", True),
        ("developer", True),
        ("guest", False),
        ("clerk", False),
        ("by_team", False),
        ("ada", False),
        ("sue", False),
        ("above", False),
        ("admin", False),
    ],
)
def test_nobody_limits_themselves_their_role_or_whoever_is_above(cast, clerk, name, by_clerk):
    values = whose(cast, name)
    for by, expected in ((clerk, by_clerk), (cast.ada, True)):
        UsageLimit.objects.all().delete()
        made = allowed(usage_limits.create, {**values, "max_requests": 1}, by=by, who=WHO)
        assert (made, UsageLimit.objects.count()) == (expected, int(expected))

        limit = UsageLimit.objects.first() or UsageLimit.objects.create(**values, max_requests=1)
        changed = allowed(usage_limits.change, limit, {"max_requests": 9}, by=by, who=WHO)
        assert (changed, UsageLimit.objects.get().max_requests) == (expected, 9 if expected else 1)

        assert allowed(usage_limits.delete, limit, by=by, who=WHO) == expected
        assert UsageLimit.objects.exists() != expected


def test_each_is_on_the_record(cast):
    limit = usage_limits.create(
        {"user": cast.dev, "max_cost": Decimal("0.5")}, by=cast.ada, who=WHO
    )
    usage_limits.change(limit, {"max_cost": Decimal("0.50")}, by=cast.ada, who=WHO)
    usage_limits.change(limit, {"max_cost": None, "max_requests": 3}, by=cast.ada, who=WHO)
    usage_limits.delete(limit, by=cast.ada, who=WHO)

    details = [entry.detail for entry in Entry.objects.order_by("pk")]
    assert [(one["action"], one.get("values")) for one in details] == [
        ("added", {"user": [None, "Dev"], "max_cost": [None, "0.5"]}),
        ("changed", {"max_cost": ["0.5000", None], "max_requests": [None, 3]}),
        ("deleted", None),
    ]
    assert {one["name"] for one in details} == {"limit of dev@example.com"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"user": "dev", "role": "developer"}, ""),
        ({}, ""),
        ({"user": "dev", "period_days": 0}, "period_days"),
        ({"user": "dev", "period_days": 3661}, "period_days"),
        ({"user": "dev", "max_cost": Decimal(-1)}, "max_cost"),
    ],
)
def test_what_cannot_be_is_refused_by_field(cast, values, field):
    named = {key: whose(cast, one)[key] for key, one in values.items() if key in ("user", "role")}

    with pytest.raises(BadValue) as caught:
        usage_limits.create({**values, **named}, by=cast.ada, who=WHO)
    assert (caught.value.field, UsageLimit.objects.count()) == (field, 0)


def test_there_is_one_of_each(cast):
    for _ in range(2):
        for name in ("dev", "developer"):
            if UsageLimit.objects.filter(**whose(cast, name)).exists():
                with pytest.raises(Conflict):
                    usage_limits.create(whose(cast, name), by=cast.ada, who=WHO)
            else:
                usage_limits.create(whose(cast, name), by=cast.ada, who=WHO)
    assert UsageLimit.objects.count() == 2
