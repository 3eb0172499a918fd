"""What was used since a moment, by the record: what suggestions of less rest on."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Max, Min
from django.utils import timezone

from accounts import access, versions
from accounts.models import ServerGrant
from accounts.policy import Effect
from accounts.recorded_calls import ASKED, DECIDED
from accounts.suggestions import House, Use
from audit.models import Entry


def used_since(moment: datetime) -> list[Use]:
    """What was called since and not refused, by person, role, teams and tool."""
    found: dict[tuple[object, ...], Use] = {}
    rows = Entry.objects.filter(DECIDED | ASKED, at__gte=moment).exclude(
        effect__in=("", Effect.DENY)
    )
    columns = ("person", "role", "server", "tool", "at", "inputs")
    for person, role, server, tool, at, inputs in (
        rows.order_by("id").values_list(*columns).iterator(chunk_size=2000)
    ):
        subject = (inputs or {}).get("subject") or {"role": role or None}
        teams = tuple(subject.get("teams", ()))
        named = (subject.get("person") or person, subject.get("role"), teams, server, tool)
        use = found.get(named) or Use(*named, calls=0, last=at)
        found[named] = replace(use, calls=use.calls + 1, last=max(use.last, at))
    return sorted(found.values(), key=lambda use: (use.person, use.server, use.tool))


def reaches_back_to() -> datetime | None:
    """When the first entry of the record was written; None while there is none."""
    first: datetime | None = Entry.objects.aggregate(first=Min("at"))["first"]
    return first


def house_since(moment: datetime) -> House:
    """What suggestions are made from: the policy in force, and what was used since."""
    newest, first = versions.newest(), reaches_back_to()
    youngest = (
        ServerGrant.objects.unexpired()
        .order_by()
        .values_list("user__email", "server")
        .annotate(Max("created_at"))
    )
    whole = first is not None and first <= moment
    return House(
        snapshot=access.snapshot(newest.document if newest else {}),
        uses=used_since(moment),
        since=moment if first is None or whole else first,
        now=timezone.now(),
        grants_since={(email, server): at for email, server, at in youngest},
        whole=whole,
    )
