"""Before a question is accepted: limits of roles, own and of teams."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Role, Team
from audit.models import Entry
from gateway import ask, errors
from gateway.models import Question
from tests.ways.asking import put

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_role_with_one_question_at_once_takes_no_second(cast):
    Role.objects.filter(name="developer").update(concurrent_requests=1)
    cast.dev.refresh_from_db()
    put(cast, cast.dev, "first")

    with pytest.raises(
        errors.LimitReached, match="1 questions at once of the role developer is reached: 1 used"
    ):
        put(cast, cast.dev, "second")
    assert put(cast, cast.guest, "somebody else's").state == "queued"


@pytest.mark.parametrize(("key", "accepted"), [("", 1), ("the same", 8)])
def test_the_limit_holds_for_questions_that_come_at_once(cast, key, accepted):
    Role.objects.filter(name="developer").update(concurrent_requests=1)
    cast.dev.refresh_from_db()
    together = threading.Barrier(8)

    def ask_one(_):
        together.wait()
        try:
            return put(cast, cast.dev, "at once", idempotency_key=key)
        except errors.LimitReached:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        questions = list(pool.map(ask_one, range(8)))

    assert len([question for question in questions if question]) == accepted
    assert Question.objects.count() == 1
    assert Entry.objects.filter(kind=Entry.Kind.QUESTION_REFUSED).count() == 8 - accepted


def test_a_role_that_comes_from_a_team_limits_as_well(cast):
    cast.guest.role = None
    cast.guest.save()
    role = Role.objects.create(name="trainee", requests_per_hour=1)
    Team.objects.create(key="trainees", default_role=role).members.add(cast.guest)
    put(cast, cast.guest, "first")

    with pytest.raises(errors.LimitReached, match="1 requests an hour of the role trainee"):
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
