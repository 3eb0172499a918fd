"""What somebody else does to the database, over a connection of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def elsewhere(work: Callable[[], Any]) -> None:
    """Do it over another connection, which is closed afterwards. Raises what it raises."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        other.submit(do).result()
