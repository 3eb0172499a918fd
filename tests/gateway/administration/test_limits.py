"""Usage limits over REST."""

import pytest

from accounts.models import Role, UsageLimit
from audit.models import Entry

pytestmark = pytest.mark.django_db

LIMITS = "/api/admin/limits"
NONE = {"max_requests": None, "max_tokens": None, "max_cost": None}


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


def test_a_limit_is_set_changed_and_lifted(ada, cast):
    made = ada.post(LIMITS, {"person": "Dev@example.com", "max_cost": 0.5}, format="json")
    address = f"{LIMITS}/{made.json()['id']}"
    said = {**NONE, "person": "dev@example.com", "role": None, "period_days": 30, "max_cost": 0.5}
    said["id"] = made.json()["id"]
    assert (made.status_code, made.json()) == (201, said)

    changed = ada.patch(address, {"max_cost": None, "max_tokens": 7}, format="json")
    said |= {"max_cost": None, "max_tokens": 7}
    assert (changed.json(), ada.get(address).json()) == (said, said)

    assert ada.delete(address).json() == said
    assert (ada.get(address).status_code, UsageLimit.objects.count()) == (404, 0)
    doors = {(entry.person, entry.door) for entry in Entry.objects.filter(kind="admin.changed")}
    assert doors == {("ada@example.com", "rest")}


def test_limits_are_listed_by_person_and_by_role(ada, cast):
    UsageLimit.objects.create(user=cast.dev)
    UsageLimit.objects.create(role=cast.dev.role)

    def listed(**asked):
        items = ada.get(LIMITS, asked).json()["items"]
        return [one["person"] or one["role"] for one in items]

    assert sorted(listed()) == ["dev@example.com", "developer"]
    assert listed(person="DEV@example.com") == ["dev@example.com"]
    assert listed(role="developer") == ["developer"]
    assert listed(role="viewer") == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "person"),
        ({"person": "dev@example.com", "role": "developer"}, 400, "person"),
        ({"person": "nobody@example.com"}, 400, "person"),
        ({"role": "nobody"}, 400, "role"),
        ({"role": "developer", "period_days": 0}, 400, "period_days"),
        ({"role": "developer", "max_requests": -1}, 400, "max_requests"),
        ({"role": "developer", "max_cost": "0.00001"}, 400, "max_cost"),
        ({"role": "viewer"}, 409, None),
    ],
)
def test_what_cannot_be_is_refused_by_field(ada, cast, body, status, field):
    UsageLimit.objects.create(role=Role.objects.get(name="viewer"))
    answer = ada.post(LIMITS, body, format="json")

    assert (answer.status_code, answer.json()["error"].get("field")) == (status, field)
    assert UsageLimit.objects.count() == 1


def test_nobody_limits_their_own_role(client_of, cast):
    Role.objects.filter(name="developer").update(can_manage_users=True)
    dev = client_of(cast.dev, scopes=["admin"])

    own, other = (
        dev.post(LIMITS, {"role": role, "max_requests": 1}, format="json")
        for role in ("developer", "viewer")
    )
    assert (own.status_code, own.json()["error"]["field"], other.status_code) == (403, "role", 201)
    theirs = UsageLimit.objects.create(role=cast.dev.role, max_requests=1)
    address = f"{LIMITS}/{theirs.pk}"
    answers = dev.patch(address, {"max_requests": 9}, format="json"), dev.delete(address)
    assert [one.status_code for one in answers] == [403, 403]
    theirs.refresh_from_db()
    assert theirs.max_requests == 1
