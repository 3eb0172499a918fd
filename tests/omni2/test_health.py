"""Probes say a word and nothing more; the whole is for people with a credential."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import PolicyVersion
from audit import record, seal
from audit.models import Unsealed
from gateway.models import Destination, Notice
from gateway.outlets import resting
from registry.models import Server, Tool

pytestmark = pytest.mark.django_db


def answer(client, path):
    response = client.get(path)
    return response.status_code, response.json()


@pytest.mark.parametrize(("path", "status"), [("live", "live"), ("ready", "ready")])
def test_a_probe_without_a_credential_hears_one_word(client, cast, path, status):
    assert answer(client, f"/api/health/{path}") == (200, {"status": status})


def test_not_ready_while_a_migration_is_missing(client, cast):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'gateway'")

    assert answer(client, "/api/health/ready") == (503, {"status": "not ready"})
    assert answer(client, "/api/health/live") == (200, {"status": "live"})


def test_not_ready_while_the_policy_cannot_be_read(client, cast):
    PolicyVersion.objects.update(digest="0" * 64)

    assert answer(client, "/api/health/ready") == (503, {"status": "not ready"})
    assert answer(client, "/api/health/live") == (200, {"status": "live"})


def test_not_ready_while_a_table_does_not_answer(client, cast):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_policyversion RENAME TO elsewhere")

    assert answer(client, "/api/health/ready") == (503, {"status": "not ready"})


@pytest.mark.parametrize("header", [{}, {"HTTP_AUTHORIZATION": "Bearer omni2_x_y"}])
def test_the_whole_is_not_for_strangers(client, cast, header):
    response = client.get("/api/health", **header)

    assert response.status_code == 401
    assert set(response.json()) == {"error"}


def server(name, **fields):
    return Server.objects.create(name=name, transport=Server.Transport.HTTP, **fields)


@pytest.mark.parametrize(
    ("health", "status"), [("up", "healthy"), ("unknown", "healthy"), ("down", "degraded")]
)
def test_a_server_that_is_down_makes_it_degraded(client_of, cast, settings, health, status):
    one = server("one", health=health, last_error="refused" if health == "down" else "")
    for number, state in enumerate(Tool.State.values):
        one.tools.create(name=state, qualified_name=f"t{number}", fingerprint="f", state=state)
    server("off", health="down", enabled=False)

    assert answer(client_of(cast.dev), "/api/health") == (
        200,
        {
            "status": status,
            "version": settings.VERSION,
            "database": "up",
            "servers": [
                {
                    "name": "one",
                    "health": health,
                    "tools": 1,
                    "checked_at": None,
                    "error": one.last_error,
                }
            ],
            "tools": 1,
            "outlets": [],
            "alerts": {"waiting": 0, "oldest_seconds": 0, "given_up": 0},
            "record": {"unsealed": Unsealed.objects.count(), "oldest_seconds": 0},
        },
    )


@pytest.mark.parametrize(("minutes", "status"), [(0.5, "healthy"), (2, "degraded")])
def test_a_record_that_nobody_seals_makes_it_degraded(client_of, cast, minutes, status):
    seal.seal_once()
    entry = record.prepare("auth.login", "ok")
    entry.at -= timedelta(minutes=minutes)
    record.write_many([entry])
    _, said = answer(client_of(cast.dev), "/api/health")
    assert said["status"] == status
    assert said["record"]["oldest_seconds"] in range(round(minutes * 60), round(minutes * 60) + 20)


@pytest.mark.parametrize(
    ("state", "minutes", "status", "counts"),
    [
        ("waiting", 1, "healthy", (1, 60, 0)),
        ("waiting", 11, "degraded", (1, 660, 0)),
        ("sent", 60, "healthy", (0, 0, 0)),
        ("given_up", 60, "degraded", (0, 0, 1)),
    ],
)
def test_an_alert_that_nobody_gets_makes_it_degraded(
    client_of, cast, state, minutes, status, counts
):
    when = timezone.now() - timedelta(minutes=minutes)
    Notice.objects.create(
        destination=Destination.objects.create(name="hook"),
        event="opened",
        message={},
        state=state,
        created_at=when,
        due_at=when,
    )
    _, said = answer(client_of(cast.dev), "/api/health")

    waiting, seconds, given_up = counts
    assert said["status"] == status
    assert said["alerts"]["oldest_seconds"] in range(seconds, seconds + 30)
    assert (said["alerts"]["waiting"], said["alerts"]["given_up"]) == (waiting, given_up)


@pytest.mark.parametrize(("error", "status"), [("", "healthy"), ("It answered 503.", "degraded")])
def test_an_outlet_that_fails_makes_it_degraded_and_says_why(
    client_of, cast, settings, error, status
):
    settings.SIEM_URL = "https://siem.example.com/"
    if error:
        resting.failed("siem", error)

    _, said = answer(client_of(cast.dev), "/api/health")

    assert said["status"] == status
    assert said["outlets"] == [
        {
            "name": "siem",
            "behind_blocks": 0,
            "behind_seconds": 0,
            "entries": 0,
            "sent_at": None,
            "error": error,
        }
    ]
