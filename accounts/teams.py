"""Teams: made, changed, deleted. Nobody touches their own, or hands out a role above theirs by one.

Who is in a team is the person's own matter: `accounts.people`.
"""

from collections.abc import Mapping
from typing import Any

from accounts import authority, publishing
from accounts.errors import Conflict, NotAllowed
from accounts.models import PolicyVersion, Team, User
from audit import changes
from audit.changes import Changed
from audit.record import Who

TOLD = ("default_role",)


def create(values: Mapping[str, Any], *, by: User, who: Who) -> tuple[Team, PolicyVersion]:
    """Make a team; it and the version of the policy in force."""
    team = Team()
    changed = changes.apply(team, values, told=TOLD)
    return team, _save(team, changed, by=by, who=who)


def change(
    team: Team, values: Mapping[str, Any], *, by: User, who: Who
) -> tuple[Team, PolicyVersion]:
    """Give the team these values. The policy names a team, so it keeps its key."""
    with publishing.held(team, by=by, require=_require_change) as row:
        changed = changes.apply(row, values, told=TOLD)
        return row, _save(row, changed, by=by, who=who)


def delete(team: Team, *, by: User, who: Who) -> PolicyVersion:
    """Delete the team; Conflict while anybody is in it, for they would lose its role unseen."""
    with publishing.held(team, by=by, require=_require_change) as row:
        members = row.members.count()
        if members:
            said = "1 person is" if members == 1 else f"{members} people are"
            raise Conflict(f"{said} in this team: take them out first.")
        with publishing.needed():
            return publishing.delete(row, who=who)


def _require_change(by: User, team: Team) -> None:
    if not authority.may_change_team(by, team):
        raise NotAllowed(f"The team {team.key} is your own, or its role is above yours.")


def _save(team: Team, changed: Changed, *, by: User, who: Who) -> PolicyVersion:
    authority.require_hand_out(by, team.default_role, field="default_role")
    publishing.check(team)
    with publishing.naming(lambda _: ""):
        return publishing.save(team, changed, who=who)
