"""Kill switches of people and roles. They are in force at the next call, in every process.

Whoever `by` is has the right already; here it is decided whether over this person or this role.
None is the command line, whose user has the database itself.
"""

from accounts import authority, sessions
from accounts.errors import NotAllowed
from accounts.models import Role, User
from audit import record
from audit.models import Entry
from audit.record import Who
from audit.switches import REASON_CHARACTERS


def suspend(person: User, *, by: User | None, who: Who, reason: str = "") -> bool:
    """Stop the person: no login, no key, no question, no call. False when they were stopped."""
    return set_status(person, User.Status.SUSPENDED, by=by, who=who, reason=reason)


def activate(person: User, *, by: User | None, who: Who, reason: str = "") -> bool:
    """Let the person act, after a suspension or for the first time. False when they could."""
    return set_status(person, User.Status.ACTIVE, by=by, who=who, reason=reason)


def switch_role(role: Role, *, on: bool, by: User | None, who: Who, reason: str = "") -> bool:
    """Stop everybody whom the role counts for, or let them go on. False when it was so already."""
    if by is not None and not authority.may_change_role(by, role):
        raise NotAllowed(f"The role {role.name} is your own, or above yours.")
    return role.switch(on=on, who=who, reason=reason)


def set_status(
    person: User, status: User.Status, *, by: User | None, who: Who, reason: str = ""
) -> bool:
    """Change how a person stands, on the record, and never the last super admin's to worse."""
    if by is not None:
        authority.require_over(by, person)
    with authority.keeping_a_super_admin():
        row = User.objects.select_for_update().get(pk=person.pk)
        before, person.status = row.status, status
        if before == status:
            return False
        User.objects.filter(pk=person.pk).update(status=status)
        if status == User.Status.SUSPENDED:
            # A browser that is still open must not be let in again with the person.
            sessions.end_all(person)
        record.write(
            Entry.Kind.PERSON_CHANGED,
            Entry.Outcome.OK,
            who=who,
            detail={
                "action": "suspended" if status == User.Status.SUSPENDED else "activated",
                "person": person.email,
                "status": [before, status.value],
                "reason": reason[:REASON_CHARACTERS],
            },
        )
    return True
