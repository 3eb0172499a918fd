"""What a server lists against its rows: offered, set aside with the reason, or gone.

| the server lists | and the row | then |
|---|---|---|
| what was accepted | any | offered |
| what was rejected | any | set aside, until it is accepted or changes; nothing new |
| what waits already | set aside | nothing new |
| something else | accepted once | set aside, the old form is no longer offered |
| a tool nobody knows | none | by the server's `trust` |
| something flawed | any | set aside, and nobody can accept it |
| it no more | any | gone |

`trust` "always" accepts every form but a rejected one, "manual" none, "first_use" those of the very
first listing that look harmless (`registry.scanner`). One change is one notice, however many syncs
see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from audit import record
from audit.models import Entry
from registry import catalogue
from registry.drift import differences
from registry.fingerprint import fingerprint
from registry.models import Server, Tool
from registry.naming import qualified_name
from registry.offers import Offer
from registry.scanner import findings

NEWCOMER = "it is new and waits to be accepted"
# What a sync may change of a row; a row whose first six are as they were is not written.
_SETTLED = ("state", "state_reason", "pending", "rejected_by", "fingerprint", "qualified_name")
_ADOPTED = ("definition", "title", "description", "annotations", "input_schema")


@dataclass(frozen=True)
class Settled:
    """What became of one listed tool; `reason` is why it is set aside, "" when it is offered."""

    name: str
    reason: str = ""
    is_new: bool = False
    is_changed: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a listing, tool by tool, and the names that stand in it no more."""

    settled: tuple[Settled, ...]
    gone: tuple[str, ...]


def settle(server: Server, offers: Sequence[Offer]) -> Outcome:
    """Bring the server's rows in line with what it lists, and record what that changes.

    Runs in the transaction of its caller. However many tools there are, the queries are few.
    """
    settling = _Settling(server, offers)
    settled = tuple(settling.settle(offer) for offer in offers)
    gone = tuple(settling.leave_out({offer.name for offer in offers}))
    settling.write()
    return Outcome(settled, gone)


def adopt(row: Tool, offer: Offer) -> list[str]:
    """Make the row offer this form of the tool; the parts of the tool that changed by it."""
    changed = changed_parts(row.definition, offer.tool)
    row.definition, row.fingerprint = offer.tool, offer.fingerprint
    row.title, row.description = offer.title, offer.description
    row.annotations, row.input_schema = offer.annotations, offer.tool["inputSchema"]
    _offer_again(row)
    return changed


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The top-level parts in which two forms of a tool differ."""
    absent = object()
    keys = sorted(before.keys() | after.keys())
    return [key for key in keys if before.get(key, absent) != after.get(key, absent)]


class _Settling:
    """The rows of one server during one sync, and what is to be written at its end."""

    def __init__(self, server: Server, offers: Sequence[Offer]) -> None:
        self._server = server
        self._first = server.synced_at is None
        self._others = catalogue.other_servers(server.name)
        self._rows = {tool.name: tool for tool in server.tools.select_for_update()}
        self._taken = self._names_of_others([offer.name for offer in offers])
        self._new: list[Tool] = []
        self._changed: list[Tool] = []
        self._entries: list[Entry] = []

    def settle(self, offer: Offer) -> Settled:
        """Bring one tool's row in line with what is listed."""
        row = self._rows.get(offer.name)
        is_new = row is None
        row = row or Tool(server=self._server, name=offer.name, state=Tool.State.QUARANTINED)
        before = [getattr(row, column) for column in _SETTLED]
        is_changed = not is_new and offer.fingerprint not in (row.fingerprint, _waits(row))
        was_offered = row.state == Tool.State.OFFERED
        flaw = self._name_it(row) or offer.flaw
        alarm = self._judge(row, offer, flaw=flaw)
        if alarm or (was_offered and row.state != Tool.State.OFFERED):
            self._note_quarantine(row, offer)
        if is_new:
            self._new.append(row)
        elif before != [getattr(row, column) for column in _SETTLED]:
            self._changed.append(row)
        return Settled(row.name, row.state_reason, is_new, is_changed)

    def leave_out(self, listed: set[str]) -> list[str]:
        """Mark what the server no longer lists as gone; the names of those that were not before."""
        missing = [
            row
            for name, row in self._rows.items()
            if name not in listed and row.state != Tool.State.GONE
        ]
        for row in missing:
            row.state = Tool.State.GONE
            self._note(Entry.Kind.TOOL_GONE, Entry.Outcome.OK, row)
        self._changed += missing
        return [row.name for row in missing]

    def write(self) -> None:
        """Write what has changed, and that everything listed has been seen."""
        now = timezone.now()
        for row in self._new:
            row.last_seen_at = now
        Tool.objects.bulk_create(self._new)
        # An upsert of rows that are there and locked: `bulk_update` would take ten times as long.
        Tool.objects.bulk_create(
            self._changed,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=(*_SETTLED, *_ADOPTED),
        )
        self._server.tools.exclude(state=Tool.State.GONE).update(last_seen_at=now)
        record.write_many(self._entries)

    # --- One row ---------------------------------------------------------------------------------
    def _judge(self, row: Tool, offer: Offer, *, flaw: str) -> bool:
        """Set the row's state; whether the tool is set aside for something not seen before."""
        if not flaw and offer.fingerprint == row.fingerprint:
            self._offer_as_accepted(row)
            return False
        if offer.fingerprint in row.rejections:
            _reject_again(row, offer)
            return False
        if not flaw and self._is_trusted(row, offer):
            self._adopt_unasked(row, offer)
            return False
        seen_before = offer.fingerprint == _waits(row) and (not flaw or row.state_reason == flaw)
        row.state = Tool.State.QUARANTINED
        if not seen_before:
            row.pending, row.rejected_by = offer.tool, ""
            row.state_reason = flaw or self._why_it_waits(row, offer)
        return not seen_before

    def _offer_as_accepted(self, row: Tool) -> None:
        if row.state != Tool.State.OFFERED:
            back = "it is again as it was accepted"
            self._note(Entry.Kind.REGISTRY_DRIFT, Entry.Outcome.OK, row, reason=back)
        _offer_again(row)

    def _is_trusted(self, row: Tool, offer: Offer) -> bool:
        """Whether the server's `trust` lets this form in unasked."""
        if self._server.trust == Server.Trust.ALWAYS:
            return True
        first_use = self._server.trust == Server.Trust.FIRST_USE
        return first_use and self._first and row.pk is None and not self._findings(offer)

    def _adopt_unasked(self, row: Tool, offer: Offer) -> None:
        known, detail = bool(row.fingerprint), self._told(row, offer)
        detail["changed"] = adopt(row, offer)
        if known:
            self._note(Entry.Kind.REGISTRY_DRIFT, Entry.Outcome.OK, row, **detail)

    def _name_it(self, row: Tool) -> str:
        """Give the row the name a model sees. A name that another tool has is a flaw."""
        wanted = qualified_name(self._server.name, row.name)
        if row.qualified_name == wanted:
            return ""
        taken = self._taken.get(wanted)
        if taken is None:
            row.qualified_name = wanted
            return ""
        row.qualified_name = row.qualified_name or qualified_name(
            self._server.name, f"{row.name}\0"
        )
        return f"{taken} is already called {wanted}"

    def _names_of_others(self, names: Sequence[str]) -> dict[str, str]:
        """Which of the names wanted for tools that lack theirs another tool has, in one look."""
        wanted = {qualified_name(self._server.name, name): name for name in names}
        for row in self._rows.values():
            wanted.pop(row.qualified_name, None)
        if not wanted:
            return {}
        taken = Tool.objects.filter(qualified_name__in=wanted).select_related("server")
        return {tool.qualified_name: str(tool) for tool in taken}

    # --- What is said of it -----------------------------------------------------------------------
    def _findings(self, offer: Offer) -> list[str]:
        return findings(offer.tool, servers=self._others)

    def _why_it_waits(self, row: Tool, offer: Offer) -> str:
        if row.fingerprint:
            parts = ", ".join(changed_parts(row.definition, offer.tool))
            reason = f"it has changed since it was accepted: {parts}"
            suspicion = "; ".join(self._dangers(row, offer))
        else:
            reason, suspicion = NEWCOMER, "; ".join(self._findings(offer))
        return f"{reason} ({suspicion})" if suspicion else reason

    def _dangers(self, row: Tool, offer: Offer) -> list[str]:
        if not row.fingerprint:
            return []
        found = differences(row.definition, offer.tool, servers=self._others)
        return [one.said for one in found if one.dangerous]

    def _told(self, row: Tool, offer: Offer) -> dict[str, Any]:
        """What the record says of a change beyond that there was one."""
        dangers = self._dangers(row, offer)
        return {"dangerous": dangers} if dangers else {}

    # --- What goes on the record -----------------------------------------------------------------
    def _note_quarantine(self, row: Tool, offer: Offer) -> None:
        detail = {"reason": row.state_reason} | self._told(row, offer)
        self._note(
            Entry.Kind.TOOL_QUARANTINED,
            Entry.Outcome.REFUSED,
            row,
            seen=offer.fingerprint,
            **detail,
        )

    def _note(
        self, kind: Entry.Kind, outcome: Entry.Outcome, row: Tool, *, seen: str = "", **detail: Any
    ) -> None:
        entry = record.prepare(
            kind,
            outcome,
            server=self._server.name,
            tool=row.name,
            fingerprint=seen or row.fingerprint,
            detail=detail,
        )
        self._entries.append(entry)


def _offer_again(row: Tool) -> None:
    row.state, row.state_reason = Tool.State.OFFERED, ""
    row.pending, row.rejected_by = None, ""


def _reject_again(row: Tool, offer: Offer) -> None:
    row.pending, row.rejected_by = offer.tool, row.rejections[offer.fingerprint]
    row.state, row.state_reason = Tool.State.QUARANTINED, rejected(row.rejected_by)


def rejected(by: str) -> str:
    """The reason for which a rejected tool is set aside."""
    return f"rejected by {by}"


def _waits(row: Tool) -> str:
    return fingerprint(row.pending) if row.pending is not None else ""
