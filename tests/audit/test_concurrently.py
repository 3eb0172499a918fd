"""Indexes of a large table: made and taken away, on PostgreSQL without a lock against writers."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from audit import concurrently
from audit.models import Follower

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = models.Index(fields=["moved_at"], name="tried_out")


def names() -> set[str]:
    with connection.cursor() as cursor:
        found: Any = connection.introspection.get_constraints(cursor, Follower._meta.db_table)
    return {*found}


def run(operation: Any, before: ProjectState, after: ProjectState, *, back: bool) -> list[str]:
    """Do or undo it; the statements that were run."""
    move = operation.database_backwards if back else operation.database_forwards
    states = (after, before) if back else (before, after)
    editing = connection.schema_editor(atomic=False)
    with CaptureQueriesContext(connection) as queries, editing as editor:
        move("audit", editor, *states)
    return [query["sql"] for query in queries]


def test_an_index_is_made_and_taken_away_without_a_lock() -> None:
    before = ProjectState.from_apps(apps)
    after = before.clone()
    adding = concurrently.AddIndex("follower", INDEX)
    adding.state_forwards("audit", after)
    removing = concurrently.RemoveIndex("follower", name=INDEX.name)
    steps: list[tuple[Any, ProjectState, ProjectState, bool, bool]] = [
        (adding, before, after, False, True),
        (adding, before, after, True, False),
        (removing, after, before, True, True),
        (removing, after, before, False, False),
    ]
    for operation, one, other, back, there in steps:
        ran = run(operation, one, other, back=back)
        assert (INDEX.name in names(), operation, back) == (there, operation, back)
        if connection.vendor == "postgresql":
            assert [sql for sql in ran if "INDEX" in sql and "CONCURRENTLY" not in sql] == []


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="nothing is left unfinished there")
@pytest.mark.postgres
def test_what_an_earlier_attempt_left_is_made_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {INDEX.name} ON {Follower._meta.db_table} (name)")
    before = ProjectState.from_apps(apps)
    after = before.clone()
    adding = concurrently.AddIndex("follower", INDEX)
    adding.state_forwards("audit", after)
    try:
        run(adding, before, after, back=False)
        with connection.cursor() as cursor:
            found: Any = connection.introspection.get_constraints(cursor, Follower._meta.db_table)
        assert found[INDEX.name]["columns"] == ["moved_at"]
    finally:
        run(adding, before, after, back=True)
