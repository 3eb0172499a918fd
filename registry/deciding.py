"""A person's word on tools that wait: accepted or rejected in the very form that was looked at.

Every decision names the fingerprints that were seen. What has changed since is not decided, and
nothing else of the same decision is either.
"""

from collections.abc import Iterable, Mapping

from django.db import transaction

from audit import changes, record
from audit.models import Entry
from audit.record import Who
from registry import catalogue
from registry.drift import differences
from registry.errors import CannotAccept
from registry.fingerprint import fingerprint
from registry.models import Server, Tool
from registry.naming import qualified_name
from registry.offers import TWICE, Offer, flaw_of
from registry.settling import adopt, rejected


def accept(tools: Iterable[Tool], by: Who, *, seen: Mapping[int, str]) -> None:
    """Offer these tools from now on as they were seen: fingerprints by the rows' ids.

    Raises `CannotAccept`, and then changes nothing, when of one of them nothing waits, what waits
    is not what was seen, or it could never be used.
    """
    _decide(tools, by, seen, accepted=True)


def reject(tools: Iterable[Tool], by: Who, *, seen: Mapping[int, str]) -> None:
    """Keep these tools set aside in the form that was seen, whatever syncs follow.

    A tool that was offered is no longer. One that had been accepted in another form is offered
    again when its server goes back to that. Raises `CannotAccept` for what was not seen.
    """
    _decide(tools, by, seen, accepted=False)


def set_trust(server: Server, trust: str, by: Who) -> None:
    """Say how much of the server's tools is accepted unasked, from its next sync on."""
    with transaction.atomic():
        row = Server.objects.select_for_update().get(pk=server.pk)
        changed = changes.apply(row, {"trust": Server.Trust(trust)}, told=("trust",))
        if changed:
            row.save(update_fields=["trust"])
            facts = {"server": row.name}
            changes.note(row, "changed", who=by, facts=facts, **changed.detail())
    server.refresh_from_db(fields=["trust"])


def form_of(tool: Tool) -> str:
    """The fingerprint of the form there is to decide on: what waits, or else what is offered."""
    return fingerprint(tool.definition if tool.pending is None else tool.pending)


def flaw_of_waiting(tool: Tool) -> str:
    """Why nobody can accept the form that waits; "" when somebody can."""
    if tool.pending is None:
        return ""
    if tool.state_reason == TWICE:
        return TWICE
    if Offer.of(tool.pending).name != tool.name:
        return "its name is not what it was"
    if tool.qualified_name != qualified_name(tool.server.name, tool.name):
        return "another tool has the name that models would call it by"
    return flaw_of(tool.pending)


def called(server: Server, names: Iterable[str]) -> list[Tool]:
    """The server's tools of exactly these names; raises `CannotAccept` for one that is not."""
    wanted = list(dict.fromkeys(names))
    known = {tool.name: tool for tool in server.tools.filter(name__in=wanted)}
    for name in wanted:
        if name not in known:
            raise CannotAccept(f"{server.name} has no tool called {ascii(name)[:120]}")
    return [known[name] for name in wanted]


def _decide(tools: Iterable[Tool], by: Who, seen: Mapping[int, str], *, accepted: bool) -> None:
    with transaction.atomic():
        wanted = [tool.pk for tool in tools]
        rows = Tool.objects.select_for_update().select_related("server").filter(pk__in=wanted)
        for row in rows.order_by("pk"):
            _check(row, seen.get(row.pk, ""))
            (_accept if accepted else _reject)(row, by)


def _check(row: Tool, seen: str) -> None:
    if row.state == Tool.State.GONE:
        raise CannotAccept(f"{row.name}: its server no longer lists it")
    if form_of(row) != seen:
        raise CannotAccept(f"{row.name}: it has changed again since it was looked at")


def _accept(row: Tool, by: Who) -> None:
    if row.pending is None:
        raise CannotAccept(f"{row.name}: nothing waits for a decision")
    flaw = flaw_of_waiting(row)
    if flaw:
        raise CannotAccept(f"{row.name}: {flaw}")
    offer = Offer.of(row.pending)
    before = row.definition if row.fingerprint else None
    changed = adopt(row, offer)
    row.rejections.pop(row.fingerprint, None)
    row.save()
    detail: dict[str, object] = {"changed": changed}
    if before is not None:
        servers = catalogue.other_servers(row.server.name)
        found = differences(before, row.definition, servers=servers)
        detail["dangerous"] = [one.said for one in found if one.dangerous]
    record.write(
        Entry.Kind.TOOL_ACCEPTED,
        Entry.Outcome.OK,
        who=by,
        server=row.server.name,
        tool=row.name,
        fingerprint=row.fingerprint,
        detail=detail,
    )


def _reject(row: Tool, by: Who) -> None:
    if row.pending is None:
        row.pending, row.fingerprint = row.definition, ""
    form = fingerprint(row.pending)
    row.rejected_by = by.person or "an administrator"
    row.rejections[form] = row.rejected_by
    row.state, row.state_reason = Tool.State.QUARANTINED, rejected(row.rejected_by)
    row.save()
    record.write(
        Entry.Kind.TOOL_QUARANTINED,
        Entry.Outcome.REFUSED,
        who=by,
        server=row.server.name,
        tool=row.name,
        fingerprint=form,
        detail={"reason": row.state_reason},
    )
