"""Nobody holds a database connection while they wait for somebody else."""

from django.db import close_old_connections, connection


def release_connection() -> None:
    """Let others have this thread's connection, where connections are shared; not in a transaction.

    PostgreSQL's pool is smaller than the number of those who may wait at once, and whom they wait
    for needs one of it. The next query takes a connection again by itself.
    """
    if not connection.in_atomic_block:
        close_old_connections()
