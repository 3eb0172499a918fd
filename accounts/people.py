"""People: made, changed, helped in. Nobody raises themselves, or touches whoever is above them."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import access, authority, publishing
from accounts.authority import Right
from accounts.errors import BadValue, NotAllowed
from accounts.models import SetupLink, Team, User
from accounts.policy import PolicyError, check_allowed_mcps
from audit import changes
from audit.changes import Changed
from audit.record import Who

REACH = ("allowed_mcps", "allowed_domains", "allowed_databases")
PLACE = ("role", "teams")
TOLD = (*PLACE, *REACH, "email", "name")


def create(values: Mapping[str, Any], *, by: User, who: Who) -> User:
    """Make a person without a password; `make_setup_link` lets them choose one."""
    person = User(email=str(values["email"]).lower())
    person.set_unusable_password()
    with transaction.atomic():
        return _save(person, {**values, "email": person.email}, by=by, who=who)


def change(person: User, values: Mapping[str, Any], *, by: User, who: Who) -> User:
    """Give the person these values; how they stand is changed by `accounts.switching`."""
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=person.pk)
        if row.pk == by.pk:
            _require_nothing_of_oneself(by, values)
        else:
            authority.require_over(by, row)
        return _save(row, values, by=by, who=who)


def join(person: User, team: Team, *, by: User, who: Who) -> User:
    """Put the person into the team; nothing happens when they are in it."""
    with transaction.atomic():
        others = [one for one in _teams_of(person) if one != team]
        return change(person, {"teams": [*others, team]}, by=by, who=who)


def leave(person: User, team: Team, *, by: User, who: Who) -> User:
    """Take the person out of the team; nothing happens when they are not in it."""
    with transaction.atomic():
        teams = [one for one in _teams_of(person) if one != team]
        return change(person, {"teams": teams}, by=by, who=who)


def make_setup_link(person: User, *, by: User, who: Who) -> str:
    """The address where the person sets a password, once, within a day; earlier ones stop."""
    authority.require_over(by, person)
    with transaction.atomic():
        token = SetupLink.issue(person)
        changes.note(person, "set-up link made", who=who)
    return f"{settings.PUBLIC_URL}/setup/{token}"


def check_reach(name: str, value: Any) -> None:
    """Raises BadValue for an `allowed_…` that the policy cannot read; None is the default's."""
    if value is None:
        return
    if name == "allowed_mcps":
        try:
            check_allowed_mcps(value, access.current()[0].groups)
        except PolicyError as error:
            raise BadValue(str(error), field=error.place) from None
        return
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if value != "*" and not is_list:
        message = '"*", or a list of texts; empty takes the default user\'s.'
        raise BadValue(message, field=name)


def _teams_of(person: User) -> list[Team]:
    """Locked first: two who change them at once take turns."""
    return list(User.objects.select_for_update().get(pk=person.pk).teams.all())


def _require_nothing_of_oneself(by: User, values: Mapping[str, Any]) -> None:
    raising = PLACE if by.is_superuser else (*PLACE, *REACH)
    for name in raising:
        if name in values:
            raise NotAllowed("Nobody does this to themselves.", field=name)


def _save(person: User, values: Mapping[str, Any], *, by: User, who: Who) -> User:
    for name in REACH:
        check_reach(name, values.get(name))
    is_new = person._state.adding
    before = [] if is_new else list(person.teams.all())
    teams = list(values.get("teams", before))
    columns = {name: value for name, value in values.items() if name != "teams"}
    changed = changes.apply(person, columns, told=TOLD)
    changed = _with_teams(changed, before, teams)
    _require_place(by, person, changed, joined=[one for one in teams if one not in before])
    if "role" in changed.fields:
        person.claimed_role = None
    publishing.check(person)
    if changed or is_new:
        person.save()
        person.teams.set(teams)
        changes.note(person, "added" if is_new else "changed", who=who, **changed.detail())
    if person.pk != by.pk:
        # Whoever loses a role may come to have everybody's, and that may be above the other.
        authority.require_over(by, person)
    return person


def _with_teams(changed: Changed, before: list[Team], after: list[Team]) -> Changed:
    old, new = sorted(team.key for team in before), sorted(team.key for team in after)
    if old == new:
        return changed
    return Changed((*changed.fields, "teams"), {**changed.values, "teams": [old, new]})


def _require_place(by: User, person: User, changed: Changed, *, joined: list[Team]) -> None:
    if not set(PLACE).isdisjoint(changed.fields):
        authority.require(by, Right.PROMOTE_USERS)
    if "role" in changed.fields:
        authority.require_hand_out(by, person.role)
    for team in joined:
        authority.require_hand_out(by, team.default_role, field="teams")
