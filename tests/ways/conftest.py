"""What tests of whole ways share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest


@pytest.fixture
def database_url(tmp_path: Path, settings: Any) -> Iterator[str]:
    """A database of its own, of the kind this run is on: SQLite, or PostgreSQL."""
    if settings.DATABASE_URL.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'own.sqlite3'}"
        return
    name = f"omni2_own_{os.getpid()}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
