"""Prompts, resources and templates that look suspicious: noticed once, and a person's word on them.

Beside the tools of `registry.deciding`: a decision names the form that was seen, and only an
acceptance is needed, for what nobody accepts stays set aside.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction

from audit import record
from audit.models import Entry
from audit.record import Who
from registry.errors import CannotAccept
from registry.fingerprint import fingerprint
from registry.models import Server
from registry.offerings import KEYS, VERB_OF, warnings_of

Found = tuple[str, str, str, tuple[str, ...]]


def accept(server: Server, forms: Collection[str], by: Who) -> None:
    """Offer what is set aside in these forms, by their fingerprints: all of them, or none.

    Raises `CannotAccept` for one that is not set aside now.
    """
    with transaction.atomic():
        row = Server.objects.select_for_update().get(pk=server.pk)
        waiting = {form: (kind, key) for kind, key, form, warnings in _forms(row) if warnings}
        for form in forms:
            if form not in waiting:
                raise CannotAccept(f"{row.name}: nothing is set aside in the form {form[:64]}")
        listed = {form for _, _, form, _ in _forms(row)}
        row.accepted_offerings = sorted(listed & {*row.accepted_offerings, *forms})
        row.save(update_fields=["accepted_offerings"])
        for form in dict.fromkeys(forms):
            kind, key = waiting[form]
            record.write(
                Entry.Kind.TOOL_ACCEPTED,
                Entry.Outcome.OK,
                who=by,
                server=row.name,
                tool=VERB_OF[kind],
                fingerprint=form,
                detail={"kind": kind, "name": key},
            )
    server.refresh_from_db(fields=["accepted_offerings"])


def notice(server: Server, before: Mapping[str, Any]) -> None:
    """Put on the record what is newly set aside of the server; `before` is what it listed then."""
    known = {
        fingerprint([kind, one]) for kind in KEYS for one in before.get(kind, ()) if one is not None
    }
    for kind, key, form, warnings in _forms(server):
        if warnings and form not in known:
            record.write(
                Entry.Kind.TOOL_QUARANTINED,
                Entry.Outcome.REFUSED,
                server=server.name,
                tool=VERB_OF[kind],
                fingerprint=form,
                detail={"kind": kind, "name": key, "reason": "; ".join(warnings)},
            )


def _forms(server: Server) -> Iterator[Found]:
    """Kind, name, fingerprint and warnings of all that the server lists."""
    for kind, field in KEYS.items():
        for one in server.offerings.get(kind, ()):
            yield kind, one[field], fingerprint([kind, one]), warnings_of(server, kind, one)
