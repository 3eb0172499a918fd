"""People: nobody raises themselves, or touches whoever is above them."""

import pytest

from accounts import people
from accounts.errors import BadValue, NotAllowed
from accounts.models import Role, SetupLink, Team, User
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="admin")


def test_a_person_is_made_without_a_password_and_helped_in_by_a_link(cast, settings):
    settings.PUBLIC_URL = "https://omni2.example.com"
    person = people.create({"email": "New@Example.com"}, by=cast.ada, who=ADA)
    link = people.make_setup_link(person, by=cast.ada, who=ADA)

    address, _, token = link.rpartition("/")
    assert (person.email, person.has_usable_password()) == ("new@example.com", False)
    assert address == "https://omni2.example.com/setup"
    assert SetupLink.find(token).user == person


def test_joining_and_leaving_a_team_twice_is_once(cast):
    red = Team.objects.create(key="red")
    for verb in (people.join, people.join, people.leave, people.leave):
        verb(cast.dev, red, by=cast.ada, who=ADA)

    entries = Entry.objects.filter(kind="admin.changed").order_by("pk")
    assert list(entries.values_list("detail__values__teams", flat=True)) == [
        [[], ["red"]],
        [["red"], []],
    ]


@pytest.mark.parametrize(
    ("by", "whom", "values", "field"),
    [
        ("ada", "ada", {"role": None}, "role"),
        ("dev", "dev", {"allowed_mcps": "*"}, "allowed_mcps"),
        ("dev", "ada", {"name": "Nobody"}, ""),
        ("dev", "guest", {"role": None}, ""),
    ],
)
def test_who_may_not_is_told_and_nothing_changes(cast, by, whom, values, field):
    before = User.objects.filter(pk=getattr(cast, whom).pk).values().get()

    with pytest.raises(NotAllowed) as refused:
        people.change(getattr(cast, whom), values, by=getattr(cast, by), who=ADA)

    assert refused.value.field == field
    assert User.objects.filter(pk=before["id"]).values().get() == before


@pytest.mark.parametrize("name", people.REACH)
def test_a_reach_that_nobody_can_read_is_refused(cast, name):
    for value in (7, "all", [1], True):
        with pytest.raises(BadValue) as refused:
            people.change(cast.dev, {name: value}, by=cast.ada, who=ADA)
        assert refused.value.field.startswith(name)
    for value in ("*", [], None):
        people.change(cast.dev, {name: value}, by=cast.ada, who=ADA)


def test_a_role_given_by_hand_is_no_claims(cast):
    viewer = Role.objects.get(name="viewer")
    User.objects.filter(pk=cast.dev.pk).update(claimed_role=cast.dev.role)

    changed = people.change(cast.dev, {"role": viewer}, by=cast.ada, who=ADA)

    assert (changed.role, changed.claimed_role) == (viewer, None)
