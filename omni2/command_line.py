"""The command line: Django's, and one sentence where there are no tables to work on yet."""

import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from omni2.demo.place import COMMAND_LINE

NOTHING_HERE = (
    "There is no data here yet: run `make run` (or `manage.py up`) first, or set OMNI2_DATA_DIR or"
    " DATABASE_URL to where it is. The demo has data of its own:"
    f" {COMMAND_LINE} COMMAND …"
)


def main(arguments: Sequence[str]) -> None:
    """Run the command that the arguments name; exits with 1 where nothing was ever migrated.

    Every other error of the database stays what it is; with --traceback this one does, too.
    """
    try:
        execute_from_command_line(list(arguments))
    except (OperationalError, ProgrammingError):
        if "--traceback" in arguments or not _is_empty():
            raise
        sys.exit(NOTHING_HERE)


def _is_empty() -> bool:
    """Whether the database answers and has never been migrated."""
    try:
        return not MigrationRecorder(connection).has_table()
    except DatabaseError:
        return False
