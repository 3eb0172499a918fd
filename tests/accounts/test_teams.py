"""Teams: made, changed, deleted, by whoever is not in them and not below their role."""

import pytest

from accounts import teams
from accounts.errors import Conflict, NotAllowed
from accounts.models import Role, Team
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="admin")


def test_a_team_is_made_changed_and_deleted_while_nobody_is_in_it(cast):
    viewer = Role.objects.get(name="viewer")
    red, _ = teams.create({"key": "red"}, by=cast.ada, who=ADA)
    teams.change(red, {"default_role": viewer}, by=cast.ada, who=ADA)
    red.refresh_from_db()
    teams.delete(red, by=cast.ada, who=ADA)

    assert (red.default_role, Team.objects.exists()) == (viewer, False)


def test_a_team_somebody_is_in_is_not_deleted(cast):
    red, _ = teams.create({"key": "red"}, by=cast.ada, who=ADA)
    said = []
    for person in (cast.dev, cast.guest):
        red.members.add(person)
        with pytest.raises(Conflict) as refused:
            teams.delete(red, by=cast.ada, who=ADA)
        said.append(str(refused.value))

    assert said == [
        "1 person is in this team: take them out first.",
        "2 people are in this team: take them out first.",
    ]


def test_nobody_touches_their_own_team_or_gives_it_a_role_above_theirs(cast):
    admin, own = Role.objects.get(name="admin"), Team.objects.create(key="own")
    own.members.add(cast.dev)

    with pytest.raises(NotAllowed, match="your own"):
        teams.change(own, {"name": "Mine"}, by=cast.dev, who=ADA)
    with pytest.raises(NotAllowed, match="above yours") as above:
        teams.create({"key": "new", "default_role": admin}, by=cast.dev, who=ADA)

    assert (above.value.field, Team.objects.count()) == ("default_role", 1)
