"""From what happens at a door to the message that somebody gets: alerts as a new house has them."""

import json

import pytest

from audit import following, redact, seal
from gateway.alerts import delivering, watching, webhook
from gateway.models import Destination, Incident
from registry import health
from registry.models import Server
from tests.fakes import sink as sinks

pytestmark = pytest.mark.django_db

SECRET = "zq-7781-planted-secret"


@pytest.fixture
def told(upstream, settings):
    """Seal, watch and deliver as the schedule does; the messages that somebody got by it."""
    following.start_at_the_end(watching.FOLLOWER)
    with sinks.serve() as sink:
        settings.INTERNAL_ADDRESSES = [*settings.INTERNAL_ADDRESSES, sink.address]
        hook = Destination(name="hook", url=sink.url)
        webhook.new_secret(hook)
        hook.save()

        def run():
            seal.seal_once()
            watching.watch()
            delivering.deliver()
            # Alerts are on the record as well, and lead to nothing more.
            seal.seal_once()
            watching.watch()
            delivering.deliver()
            bodies = [posted.body.decode() for posted in sink.posted]
            sink.forget()
            return bodies

        yield run


def says(body):
    incident = json.loads(body)["incident"]
    return json.loads(body)["event"], incident["severity"], incident["rule"], incident["cause"]


def call(client, tool, **arguments):
    body = {"server": "upstream", "tool": tool, "arguments": arguments}
    return client.post("/api/mcp/tools/call", body, format="json").status_code


def test_somebody_who_tries_door_after_door_is_told_of_once(told, cast, client_of):
    dev = client_of(cast.dev)
    assert [call(dev, "write_note", text=SECRET) for _ in range(9)] == [403] * 9
    assert call(dev, "echo", text="hello") == 200
    assert told() == []

    assert [call(dev, "delete_everything") for _ in range(30)] == [403] * 30
    [body] = told()
    assert says(body) == ("alert.opened", "warning", "blocked attempts", "person dev@example.com")
    assert SECRET not in body

    assert [call(dev, "write_note", text="x") for _ in range(30)] == [403] * 30
    assert told() == []
    assert Incident.objects.get().count == 69


def test_a_stranger_who_tries_keys_is_told_of_by_their_address(told, client):
    for number in range(20):
        header = f"Bearer omni2_abcdefghij{number:02}_{'x' * 43}"
        client.get("/api/me", headers={"authorization": header}, REMOTE_ADDR="192.0.2.66")

    assert [says(body)[2:] for body in told()] == [("refused credentials", "address 192.0.2.66")]


def test_a_server_that_goes_down_is_told_of_and_so_is_its_return(told):
    server = Server.objects.get(name="upstream")
    url = server.url
    health.check(server)
    assert told() == []

    server.url = "http://127.0.0.1:1/mcp"
    for _ in range(health.FAILURES_TO_BE_DOWN):
        health.observe(server, error=f"refused with {SECRET}")
    [body] = told()
    assert says(body) == ("alert.opened", "critical", "server down", "server upstream")
    assert SECRET not in body

    server.url = url
    health.check(server)
    assert [says(body)[0] for body in told()] == ["alert.resolved"]


def test_a_credential_of_ours_that_somebody_sends_back_is_in_no_message(told, cast, client_of):
    redact.remember(SECRET)
    try:
        dev = client_of(cast.dev)
        assert {call(dev, f"delete_{SECRET}") for _ in range(10)} <= {403, 404}
        assert {call(dev, "delete_everything") for _ in range(10)} == {403}
        bodies = told()
    finally:
        redact.forget(SECRET)

    assert len(bodies) == 1
    assert SECRET not in bodies[0]
