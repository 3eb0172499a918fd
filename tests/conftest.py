"""What every test may use: the cast, a real MCP server, a registered one, a key in the hand."""

import gc
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery.contrib.testing.worker import start_worker
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from accounts import access, key_use
from accounts.models import Rule
from audit import triggers
from omni2.celery import app
from registry import breaker, bulkhead
from tests import mcp_client
from tests.cast import PEOPLE, REGISTERED, Cast, assemble, register
from tests.fakes import authorization_server, conformance_server, mcp_server
from tests.replaying import Replayed
from tests.settings import REDIS_URL
from tests.settling import settle


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whether a test needs a database: one that needs none has to run only once (tests.run)."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if {"db", "transactional_db"} & {*fixtures} or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to look through it for garbage again and again costs a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """In CI a test that is skipped has failed: what is left out there is not known to hold."""
    report = yield
    if report.skipped and os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def celery_worker() -> Iterator[None]:
    """Where there is Redis, work goes over it: to a real worker, in a thread of this process."""
    if not REDIS_URL:
        yield
        return
    with start_worker(
        app, pool="threads", concurrency=4, perform_ping_check=False, loglevel="ERROR"
    ):
        yield


@pytest.fixture(autouse=True)
def nobody_seen_yet() -> None:
    """Each test begins as a process does: it has put no use of a key on the record."""
    key_use.forget()


@pytest.fixture(autouse=True)
def settled(_django_db_marker: None) -> Iterator[None]:
    """Nothing a test has left under way gets in the way of emptying the tables."""
    yield
    # The next test's servers have the same numbers.
    breaker.forget()
    bulkhead.forget()
    if REDIS_URL:
        settle()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tables emptied after a test are not filled with Django's permissions again: half the time."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    with django_db_blocker.unblock():
        _number_each_table_differently()
    _let_tests_empty_the_record()


def _number_each_table_differently() -> None:
    """No key of one table is one of another's, and none is small: a test that mixes them up fails.

    In an empty database the first row of every table would have the same key, and which number a
    table has reached depends on the tests before.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(oid, 10000 + 1000 * row_number() OVER (ORDER BY oid))"
                " FROM pg_class WHERE relkind = 'S'"
            )
            return
        cursor.execute(
            "SELECT name FROM sqlite_schema WHERE sql LIKE '%%AUTOINCREMENT%%' ORDER BY name"
        )
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute("DELETE FROM sqlite_sequence")
        cursor.executemany(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
            [(name, 10000 + 1000 * number) for number, name in enumerate(names)],
        )


def _let_tests_empty_the_record() -> None:
    """What a test has committed is cleared away after it, entries of the record too."""
    tear_down = TransactionTestCase._fixture_teardown

    def opened(case: TransactionTestCase) -> None:
        with triggers.opened(triggers.EMPTY):
            tear_down(case)

    TransactionTestCase._fixture_teardown = opened


@pytest.fixture(scope="session")
def people() -> Replayed:
    """Everybody in the database, with the policy they live under."""
    return Replayed(assemble, *PEOPLE)


@pytest.fixture
def cast(db: None, people: Replayed) -> Cast:
    """The people, with the policy they live under."""
    people.put()
    return Cast.read()


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[Any]:
    """One real MCP server over streamable HTTP for the whole session."""
    with mcp_server.serve() as running:
        yield running


@pytest.fixture(scope="session")
def registration(upstream_server: Any) -> Replayed:
    """That server in the database, with its tools read."""
    return Replayed(lambda: register(upstream_server.url), *REGISTERED)


@pytest.fixture
def upstream(upstream_server: Any, registration: Replayed, settings: Any, cast: Cast) -> Any:
    """That server, registered as `upstream` with its tools read and its request log empty."""
    settings.INTERNAL_ADDRESSES = [urlsplit(upstream_server.url).netloc]
    upstream_server.calls.clear()
    registration.put()
    return upstream_server


@pytest.fixture(scope="session")
def protected_server() -> Iterator[Any]:
    """One authorization server, and one MCP server that it protects, for the whole session."""
    with authorization_server.serve() as running:
        yield running


@pytest.fixture
def protected(protected_server: Any, settings: Any) -> Any:
    """These two, as if nobody had been there yet; the operator has listed their addresses."""
    protected_server.forget()
    settings.INTERNAL_ADDRESSES = protected_server.addresses
    return protected_server


@pytest.fixture
def client_of(cast: Cast) -> Any:
    """An API client with a fresh key of the person."""

    def make(user: Any, **options: object) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {cast.key(user, **options)}")
        return client

    return make


@pytest.fixture(scope="session")
def mcp_server_url() -> Iterator[str]:
    """OMNI2's own MCP endpoint, served for the whole session."""
    with mcp_client.serve_endpoint() as url:
        yield url


@pytest.fixture
def mcp_url(mcp_server_url: str, transactional_db: None) -> str:
    """Where the endpoint is; its threads see what a test has written down."""
    return mcp_server_url


@pytest.fixture(scope="session")
def fixture_server() -> Iterator[Any]:
    """A server with prompts, resources and tools that ask, for the whole session."""
    with conformance_server.serve() as running:
        yield running


@pytest.fixture
def fixture(fixture_server: Any, settings: Any, cast: Cast) -> Iterator[Any]:
    """That server, registered as `fixture`; developers may do all that it offers."""
    settings.INTERNAL_ADDRESSES = [*settings.INTERNAL_ADDRESSES, fixture_server.address]
    Rule.objects.create(
        kind=Rule.Kind.ROLE, server="fixture", role="developer", mode="allow_all", patterns=[]
    )
    access.publish("tests")
    yield register(fixture_server.url, name="fixture", trust="always")
    conformance_server.forget_changes()
