"""What tests of whole ways share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.fakes import messages_api
from tests.slackapp.conftest import linked, slack, slack_server
from tests.ways.browsing import browser, home, sessions, visit

__all__ = [
    "browser",
    "database_url",
    "home",
    "linked",
    "scripted_api",
    "sessions",
    "slack",
    "slack_server",
    "visit",
]


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


@pytest.fixture
def scripted_api(settings: Any) -> Iterator[Any]:
    """`scripted_api(script)`: from now on the deployment's model says what the script says."""
    opened = []

    def run(script: Any) -> Any:
        opened.append(messages_api.serve(script))
        running = opened[-1].__enter__()
        settings.MODEL_PROVIDER = "anthropic"
        settings.ANTHROPIC_API_KEY = "for-the-fake"
        settings.ANTHROPIC_BASE_URL = running.url
        return running

    yield run
    for api in opened:
        api.__exit__(None, None, None)
