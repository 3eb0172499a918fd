"""Decisions on calls as the record has them, to be taken again."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from accounts.backtest import Recorded
from audit.models import Entry

# Each decision stands on one of these; `call.called` repeats that of `call.calling`. A call that
# had to be asked for counts where it was asked, and not once more where it was made or refused.
DECIDED = Q(kind__in=(Entry.Kind.CALL_CALLING, Entry.Kind.CALL_REFUSED)) & ~Q(effect="ask")
ASKED = Q(kind=Entry.Kind.APPROVAL_ASKED)


def recorded_since(moment: datetime) -> Iterator[Recorded]:
    """Every call that was decided since, in the order of the record, as it is read."""
    found = Entry.objects.filter(DECIDED | ASKED, at__gte=moment).exclude(effect="")
    columns = ("id", "at", "effect", "inputs", "arguments")
    for row in found.order_by("id").values_list(*columns).iterator(chunk_size=2000):
        yield Recorded(*row)
