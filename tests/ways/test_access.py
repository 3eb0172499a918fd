"""From a refusal to a call and back: asked, granted, called, over; and many who decide at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import AccessRequest, ServerGrant
from audit.models import Entry
from gateway import access_requests

CALL = {"server": "upstream", "tool": "write_note", "arguments": {"text": "x"}}
WANTED = {"server": "upstream", "tools": ["write_note"], "reason": "To take notes."}


def call(client):
    answer = client.post("/api/mcp/tools/call", CALL, format="json")
    return answer.status_code, answer.json()


def tools(client):
    return {tool["tool"] for tool in client.get("/api/mcp/tools/list").json()["tools"]}


def test_a_refusal_is_asked_about_granted_used_and_over(upstream, cast, client_of):
    dev, ada = client_of(cast.dev), client_of(cast.ada, scopes=["admin"])
    status, refused = call(dev)
    assert (status, refused["error"]["grant_helps"]) == (403, True)

    number = dev.post("/api/access/requests", WANTED, format="json").json()["id"]
    assert call(dev)[0] == 403
    decide = f"/api/access/requests/{number}/decide"
    granted = ada.post(decide, {"decision": "grant"}, format="json").json()
    assert granted["until"] is not None

    assert "write_note" in tools(dev)
    assert call(dev)[0] == 200
    assert upstream.calls == [("write_note", {"text": "x"})]

    # The grant's last moment is now.
    ServerGrant.objects.update(expires_at=timezone.now())
    assert "write_note" not in tools(dev)
    status, refused = call(dev)
    assert (status, refused["error"]["rule"]) == (
        403, "role_restrictions.developer on upstream: allow_only " + READ,
    )  # fmt: skip
    access_requests.sweep()
    access_requests.sweep()
    assert story() == [
        ("key.used", "dev@example.com"),
        ("call.refused", "dev@example.com"),
        ("access.requested", "dev@example.com"),
        ("call.refused", "dev@example.com"),
        ("key.used", "ada@example.com"),
        ("grant.given", "ada@example.com"),
        ("call.calling", "dev@example.com"),
        ("call.called", "dev@example.com"),
        ("call.refused", "dev@example.com"),
        ("grant.expired", ""),
    ]


READ = "echo, add, get_*, slow, fail, big, headers"


def story():
    rows = Entry.objects.exclude(kind__startswith="registry").order_by("id")
    return [(row.kind, row.person) for row in rows if not row.kind.startswith("tool.")]


def test_a_grant_ends_in_the_middle_of_a_session(upstream, cast, client_of):
    """By the clock alone: nothing runs and nobody changes a row."""
    dev = client_of(cast.dev)
    # On a busy machine a call may outlive a short grant; then a longer one is tried.
    for seconds in (0.3, 3, 30):
        end = timezone.now() + timedelta(seconds=seconds)
        ServerGrant.objects.create(
            user=cast.dev, server="upstream", tools=["write_note"], expires_at=end
        )
        before = call(dev)[0]
        if timezone.now() < end:
            break
    assert before == 200
    while timezone.now() <= end:
        threading.Event().wait(0.05)
    assert call(dev)[0] == 403


@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_one_counts(upstream, cast):
    asker = cast.asker(cast.dev)
    row = access_requests.request(asker, **WANTED)
    key = cast.key(cast.ada, scopes=["admin"])
    answers, gate = [], threading.Barrier(6)

    def decide(decision):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        body = {"decision": decision, "answer": "So be it."}
        gate.wait()
        answer = client.post(f"/api/access/requests/{row.pk}/decide", body, format="json")
        answers.append((answer.status_code, decision))
        connection.close()

    run_together([threading.Thread(target=decide, args=[one]) for one in ["grant", "refuse"] * 3])

    [(_, won)] = [one for one in answers if one[0] == 200]
    assert sorted(status for status, _ in answers) == [200] + [409] * 5
    closed = AccessRequest.objects.get()
    assert closed.state == {"grant": "granted", "refuse": "refused"}[won]
    assert ServerGrant.objects.count() == (1 if won == "grant" else 0)
    decided = Entry.objects.filter(kind__in=["grant.given", "access.requested"])
    assert decided.exclude(outcome="pending").count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_twice_at_once_has_asked_once(upstream, cast):
    asker, gate, outcomes = cast.asker(cast.dev), threading.Barrier(4), []

    def ask():
        gate.wait()
        try:
            outcomes.append(access_requests.request(asker, **WANTED).state)
        except access_requests.Conflict:
            outcomes.append("conflict")
        connection.close()

    run_together([threading.Thread(target=ask) for _ in range(4)])

    assert sorted(outcomes) == ["conflict"] * 3 + ["open"]
    assert AccessRequest.objects.count() == 1


def run_together(threads):
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
