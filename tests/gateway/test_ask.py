"""Before a question is accepted: limits of roles, own and of teams."""

import pytest
from django.db import connection

from accounts.models import Role, Team
from gateway import ask, errors
from tests.ways.asking import put

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_role_with_one_question_at_once_takes_no_second(cast):
    Role.objects.filter(name="developer").update(concurrent_requests=1)
    cast.dev.refresh_from_db()
    put(cast, cast.dev, "first")

    with pytest.raises(errors.LimitReached, match="developer may have 1 at once"):
        put(cast, cast.dev, "second")
    assert put(cast, cast.guest, "somebody else's").state == "queued"


def test_a_role_that_comes_from_a_team_limits_as_well(cast):
    cast.guest.role = None
    cast.guest.save()
    role = Role.objects.create(name="trainee", requests_per_hour=1)
    Team.objects.create(key="trainees", default_role=role).members.add(cast.guest)
    put(cast, cast.guest, "first")

    with pytest.raises(errors.LimitReached, match="1 an hour"):
        put(cast, cast.guest, "second")


def test_a_super_admin_has_no_limits(cast):
    Role.objects.filter(name="admin").update(concurrent_requests=1)
    cast.ada.refresh_from_db()

    assert {put(cast, cast.ada, text).state for text in ("first", "second")} == {"queued"}


def test_whoever_waits_holds_no_database_connection(cast, monkeypatch):
    question = put(cast, cast.dev, "slow")
    held = []
    monkeypatch.setattr(ask, "LOOK_SECONDS", 0)
    monkeypatch.setattr(ask.time, "sleep", lambda _: held.append(connection.connection is not None))
    # As with PostgreSQL's pool, which every connection should go back to.
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)

    ask.wait(question.pk, 0.05)

    assert set(held[1:]) == {False}
