"""What was used since a moment, by the record: what suggestions of less rest on."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from django.db.models import Max, Min
from django.utils import timezone

from accounts import access, authority, versions
from accounts.least_privilege.model import House, Use
from accounts.least_privilege.proof import Found, suggest
from accounts.models import Role, ServerGrant, User
from accounts.policy import Effect
from accounts.recorded_calls import ASKED, DECIDED, recorded_since
from audit.models import Entry

DEFAULT_DAYS = 90
MOST_DAYS = 3660


def suggestions_since(moment: datetime) -> Found:
    """What the policy could stop giving, by the calls since; each of them was rehearsed."""
    house = house_since(moment)
    return suggest(house, partial(recorded_since, moment))


def house_since(moment: datetime) -> House:
    """What suggestions are made from: the policy in force, and what was used since."""
    newest, first = versions.newest(), _reaches_back_to()
    whole = first is not None and first <= moment
    return House(
        snapshot=access.snapshot(newest.document if newest else {}),
        uses=_used_since(moment),
        since=moment if first is None or whole else first,
        now=timezone.now(),
        grants_since=_grants_since(),
        joined=dict(User.objects.values_list("email", "date_joined")),
        powers={
            role.name: authority.powers(role) for role in Role.objects.all() if not role.is_off
        },
        whole=whole,
    )


def _used_since(moment: datetime) -> list[Use]:
    """What was called since and not refused, by person, role, teams and tool."""
    found: dict[tuple[object, ...], Use] = {}
    rows = Entry.objects.filter(DECIDED | ASKED, at__gte=moment).exclude(
        effect__in=("", Effect.DENY)
    )
    columns = ("person", "role", "server", "tool", "at", "inputs")
    for person, role, server, tool, at, inputs in (
        rows.order_by("id").values_list(*columns).iterator(chunk_size=2000)
    ):
        # Where it is known, what the decision rested on: that is what is rehearsed.
        subject = (inputs or {}).get("subject") or {"person": person, "role": role or None}
        target = (inputs or {}).get("target") or {"server": server, "tool": tool}
        teams = tuple(subject.get("teams", ()))
        who = subject.get("person") or person, subject.get("role"), teams
        named = (*who, target["server"], target["tool"])
        use = found.get(named) or Use(*named, calls=0, last=at)
        found[named] = replace(use, calls=use.calls + 1, last=max(use.last, at))
    return sorted(found.values(), key=lambda use: (use.person, use.server, use.tool))


def _reaches_back_to() -> datetime | None:
    """When the first entry of the record was written; None while there is none."""
    first: datetime | None = Entry.objects.aggregate(first=Min("at"))["first"]
    return first


def _grants_since() -> dict[tuple[str, str], datetime]:
    """Since when the youngest grant of each person on each server holds."""
    rows = ServerGrant.objects.unexpired().order_by().values_list("user__email", "server")
    return {(email, server): at for email, server, at in rows.annotate(Max("created_at"))}
