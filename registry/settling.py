"""One listed tool against its row: offered, set aside with the reason, or gone.

| the server lists | and the row | then |
|---|---|---|
| what was accepted | any | offered |
| what waits already | set aside | nothing new, also after a rejection |
| something else | accepted once | set aside, the old form is no longer offered |
| a tool nobody knows | none | by the server's `trust` |
| something flawed | any | set aside, and nobody can accept it |
| it no more | any | gone |

`trust` "always" accepts every form, "manual" none, "first_use" those of the very first listing that
look harmless (`registry.scanner`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from audit import record
from audit.models import Entry
from registry.fingerprint import fingerprint
from registry.models import Server, Tool
from registry.naming import qualified_name
from registry.offers import Offer
from registry.scanner import findings

NEWCOMER = "it is new and waits to be accepted"


@dataclass(frozen=True)
class Settled:
    """What became of one listed tool; `reason` is why it is set aside, "" when it is offered."""

    name: str
    reason: str = ""
    is_new: bool = False
    is_changed: bool = False


class Settling:
    """The rows of one server during one sync. Runs in the transaction of its caller."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._first = server.synced_at is None
        self._rows = {tool.name: tool for tool in server.tools.select_for_update()}

    def settle(self, offer: Offer) -> Settled:
        """Bring the tool's row in line with what is listed, and record what is newly set aside."""
        row = self._rows.get(offer.name)
        is_new = row is None
        row = row or Tool(server=self._server, name=offer.name, state=Tool.State.QUARANTINED)
        row.last_seen_at = timezone.now()
        flaw = self._name_it(row) or offer.flaw
        was_offered = row.state == Tool.State.OFFERED
        is_changed = not is_new and offer.fingerprint not in (row.fingerprint, _waits(row))
        alarm = self._judge(row, offer, flaw=flaw)
        row.save()
        if alarm or (was_offered and row.state != Tool.State.OFFERED):
            _record(row, offer)
        return Settled(row.name, row.state_reason, is_new, is_changed)

    def leave_out(self, listed: list[str]) -> list[str]:
        """Mark what the server no longer lists as gone; the names of those that were not before."""
        missing = [
            row
            for name, row in self._rows.items()
            if name not in listed and row.state != Tool.State.GONE
        ]
        for row in missing:
            row.state = Tool.State.GONE
            row.save(update_fields=["state"])
            record.write(
                Entry.Kind.TOOL_GONE, Entry.Outcome.OK, server=self._server.name, tool=row.name
            )
        return [row.name for row in missing]

    def _judge(self, row: Tool, offer: Offer, *, flaw: str) -> bool:
        """Set the row's state; whether the tool is set aside for something not seen before."""
        always = self._server.trust == Server.Trust.ALWAYS
        if not flaw and offer.fingerprint == row.fingerprint:
            row.state, row.state_reason, row.pending = Tool.State.OFFERED, "", None
            return False
        if not flaw and (always or (not row.fingerprint and self._is_trusted_at_first(row, offer))):
            _adopt_unasked(row, offer)
            return False
        seen_before = offer.fingerprint == _waits(row) and (not flaw or row.state_reason == flaw)
        row.state = Tool.State.QUARANTINED
        if not seen_before:
            row.pending = offer.tool
            row.state_reason = flaw or self._why_it_waits(row, offer)
        return not seen_before

    def _is_trusted_at_first(self, row: Tool, offer: Offer) -> bool:
        first_use = self._server.trust == Server.Trust.FIRST_USE
        return first_use and self._first and row.pk is None and not findings(offer.tool)

    def _why_it_waits(self, row: Tool, offer: Offer) -> str:
        suspicion = "; ".join(findings(offer.tool))
        if row.fingerprint:
            parts = ", ".join(changed_parts(row.definition, offer.tool))
            reason = f"it has changed since it was accepted: {parts}"
        else:
            reason = NEWCOMER
        return f"{reason} ({suspicion})" if suspicion else reason

    def _name_it(self, row: Tool) -> str:
        """Give the row the name a model sees. A name that another tool has is a flaw."""
        wanted = qualified_name(self._server.name, row.name)
        if row.qualified_name == wanted:
            return ""
        taken = Tool.objects.filter(qualified_name=wanted).exclude(pk=row.pk).first()
        if taken is None:
            row.qualified_name = wanted
            return ""
        row.qualified_name = row.qualified_name or qualified_name(
            self._server.name, f"{row.name}\0"
        )
        return f"{taken} is already called {wanted}"


def adopt(row: Tool, offer: Offer) -> list[str]:
    """Make the row offer this form of the tool; the parts of the tool that changed by it."""
    changed = changed_parts(row.definition, offer.tool)
    row.definition, row.fingerprint = offer.tool, offer.fingerprint
    row.title, row.description = offer.title, offer.description
    row.annotations, row.input_schema = offer.annotations, offer.tool["inputSchema"]
    row.state, row.state_reason, row.pending = Tool.State.OFFERED, "", None
    return changed


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The top-level parts in which two forms of a tool differ."""
    absent = object()
    keys = sorted(before.keys() | after.keys())
    return [key for key in keys if before.get(key, absent) != after.get(key, absent)]


def _adopt_unasked(row: Tool, offer: Offer) -> None:
    known = bool(row.fingerprint)
    changed = adopt(row, offer)
    if known:
        record.write(
            Entry.Kind.REGISTRY_DRIFT,
            Entry.Outcome.OK,
            server=row.server.name,
            tool=row.name,
            fingerprint=row.fingerprint,
            detail={"changed": changed},
        )


def _waits(row: Tool) -> str:
    return fingerprint(row.pending) if row.pending is not None else ""


def _record(row: Tool, offer: Offer) -> None:
    record.write(
        Entry.Kind.TOOL_QUARANTINED,
        Entry.Outcome.REFUSED,
        server=row.server.name,
        tool=row.name,
        fingerprint=offer.fingerprint,
        detail={"reason": row.state_reason},
    )
