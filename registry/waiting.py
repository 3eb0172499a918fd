"""Whoever waits for somebody else holds no database connection, or is one of a few who do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

# Of one process. PostgreSQL's pool has four times as many (`omni2.settings`), for those who work.
FEW = 8
_free = threading.Semaphore(FEW)


def release_connection() -> None:
    """Let others have this thread's connection, where connections are shared; not in a transaction.

    PostgreSQL's pool is smaller than the number of those who may wait at once, and whom they wait
    for needs one of it. The next query takes a connection again by itself.
    """
    if not connection.in_atomic_block:
        close_old_connections()


@contextmanager
def few_keep_their_connection() -> Iterator[None]:
    """Wait for a server in the block: most answer at once, and to take a connection anew costs.

    So a few threads keep theirs for as long as they wait; the others let go of it.
    """
    if connection.in_atomic_block or not _free.acquire(blocking=False):
        release_connection()
        yield
        return
    try:
        yield
    finally:
        _free.release()
