"""What several writers want committed, as one statement: the database's, not ours, is all the time.

A transaction of several statements is held open while this process gets round to each of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connection

from audit.at_once import postgresql, sqlite
from audit.statements import mark_stored

if TYPE_CHECKING:
    from audit.together import Write


def carry_out(writes: Sequence["Write"]) -> None:
    """Write all of them and commit it, outside of any transaction; or nothing of any.

    Entries are not told their keys. Raises DatabaseError where a row to change is not there.
    """
    if connection.vendor == "postgresql":
        postgresql.carry_out(writes)
    else:
        sqlite.carry_out(writes)
    for write in writes:
        mark_stored((*write.entries, *write.added))


def forget() -> None:
    """Before the tables change: let go of what this process holds that knows their columns."""
    sqlite.writer.close()
