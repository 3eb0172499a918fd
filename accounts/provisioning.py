"""How somebody not seen before enters: by a rule for their e-mail domain or their Slack team.

What identifies a newcomer is what the credential proved: an address that an identity provider has
verified, or a Slack team and user. Neither ever makes somebody into a person who is already here.
The rule for everybody else counts for identity providers alone: any workspace can reach a channel.
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from accounts import authority, switching
from accounts.errors import Conflict
from accounts.models import ProvisioningRule, Role, User
from audit import record
from audit.models import Entry
from audit.record import Who
from audit.switches import REASON_CHARACTERS


@dataclass(frozen=True)
class Newcomer:
    """Somebody whom a credential has identified and whom nobody here knows."""

    email: str
    name: str = ""
    slack_team_id: str = ""
    slack_user_id: str = ""

    @classmethod
    def of_slack(cls, team: str, user: str, name: str = "") -> "Newcomer":
        """By Slack's two ids. The address in a Slack profile proves nothing, so it is not taken."""
        address = f"{user}@{team}.slack.invalid".lower()
        return cls(address, name, slack_team_id=team, slack_user_id=user)


def rule_for(newcomer: Newcomer) -> ProvisioningRule | None:
    """The rule that lets them in; None when there is none."""
    rules = ProvisioningRule.objects.select_related("default_role")
    if newcomer.slack_team_id:
        return rules.filter(slack_team=newcomer.slack_team_id).first()
    domain = f"@{newcomer.email.rpartition('@')[2].lower()}"
    by_domain = rules.filter(email_domain__iexact=domain).first()
    return by_domain or rules.filter(email_domain="", slack_team="").first()


def enter(newcomer: Newcomer, *, who: Who, role: Role | None = None) -> User | None:
    """Make the person, waiting for approval where the rule says so; None without a rule.

    `role` is what the identity provider's claims say, in place of the rule's. Two who come in as
    the same newcomer at once are one person. A newcomer's address that is somebody's already lets
    nobody in.
    """
    rule = rule_for(newcomer)
    if rule is None:
        return None
    try:
        with transaction.atomic():
            return _make(newcomer, rule, claimed=role, who=who)
    except IntegrityError:
        if not newcomer.slack_user_id:
            return None
        return User.objects.filter(
            slack_team_id=newcomer.slack_team_id, slack_user_id=newcomer.slack_user_id
        ).first()


def _make(newcomer: Newcomer, rule: ProvisioningRule, *, claimed: Role | None, who: Who) -> User:
    waits, role = rule.require_approval, claimed or rule.default_role
    person = User.objects.create_user(
        newcomer.email,
        name=newcomer.name[:128],
        role=role,
        claimed_role=claimed,
        status=User.Status.PENDING if waits else User.Status.ACTIVE,
        slack_team_id=newcomer.slack_team_id,
        slack_user_id=newcomer.slack_user_id,
    )
    record.write(
        Entry.Kind.PERSON_CREATED,
        Entry.Outcome.PENDING if waits else Entry.Outcome.OK,
        who=who,
        detail={
            "person": person.email,
            "rule": str(rule),
            "role": role.name if role else "",
            "status": person.status,
        },
    )
    return person


# --- Those who wait -------------------------------------------------------------------------------
def approve(person: User, *, by: User | None, who: Who, role: Role | None = None) -> None:
    """Let somebody in who waits, with `role` in place of the one they entered with.

    Raises Conflict for whoever does not wait, NotAllowed for a role above the administrator or one
    they have no right to give.
    """
    with transaction.atomic():
        _require_waiting(person)
        if role is not None and role != person.role:
            if by is not None:
                authority.require(by, authority.Right.PROMOTE_USERS)
                authority.require_hand_out(by, role)
            User.objects.filter(pk=person.pk).update(role=role, claimed_role=None)
            person.role, person.claimed_role = role, None
        switching.activate(person, by=by, who=who, reason="approved")


def reject(person: User, *, by: User | None, who: Who, reason: str = "") -> None:
    """Keep somebody out who waits: they are suspended, so that they cannot enter once more."""
    with transaction.atomic():
        _require_waiting(person)
        said = f"rejected: {reason}" if reason else "rejected"
        switching.suspend(person, by=by, who=who, reason=said[:REASON_CHARACTERS])


def _require_waiting(person: User) -> None:
    waiting = User.objects.select_for_update().filter(pk=person.pk, status=User.Status.PENDING)
    if not waiting.exists():
        raise Conflict(f"{person.email} is not waiting for approval.")
