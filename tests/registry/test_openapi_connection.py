"""A REST service by the client's own face: its tools listed, called, cancelled; nothing else."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import (
    BadArguments,
    Cancelled,
    GuardRefused,
    HttpRefused,
    TimedOut,
    TooLarge,
    Unreachable,
)
from tests.fakes.rest_service import RestService, serve
from tests.ipv6 import HERE, SPELLINGS, needs_ipv6


@pytest.fixture
def service() -> Iterator[RestService]:
    with serve() as running:
        yield running


def call(client: Connections, service: RestService, name: str, **arguments: Any) -> Any:
    """Call the tool as it is listed now."""
    options = arguments.pop("options", {})
    endpoint = arguments.pop("endpoint", service.endpoint())
    listed = {tool["name"]: tool for tool in client.list_tools(service.endpoint()).tools}
    return client.call_tool(endpoint, name, arguments, accepted=listed[name], **options)


def test_calls_arrive_as_the_document_says(client: Connections, service: RestService) -> None:
    found = call(client, service, "find_orders", customer="Ann", **{"X-Trace": "t-1"})
    made = call(client, service, "create_order", body={"customer": "Cy"})
    gone = call(client, service, "delete_order", id=8)

    assert found["structuredContent"] == {"result": [{"id": 7, "customer": "Ann"}]}
    assert made["structuredContent"] == {"id": 9, "customer": "Cy"}
    assert (gone["content"][0]["text"], sorted(service.orders)) == (
        "HTTP 204, without content.",
        [7, 9],
    )
    assert service.calls == [
        ("GET", "/v1/orders?customer=Ann"),
        ("POST", "/v1/orders"),
        ("DELETE", "/v1/orders/8"),
    ]
    sent = [one for one in service.received if one.method == "POST"][0]
    assert (json.loads(sent.body), sent.headers["content-type"]) == (
        {"customer": "Cy"},
        "application/json",
    )
    assert [one.headers.get("x-trace") for one in service.received if "?" in one.target] == ["t-1"]


@needs_ipv6
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_service_at_an_ipv6_address_is_read_and_called(
    client: Connections, spelling: str
) -> None:
    with serve(HERE) as service:
        urls = {
            "url": service.url.replace("[::1]", spelling),
            "document_url": service.document_url.replace("[::1]", spelling),
        }
        found = call(client, service, "get_order", id=7, endpoint=service.endpoint(**urls))
        client.list_tools(service.endpoint(**urls))

    assert found["structuredContent"] == {"id": 7, "customer": "Ann"}
    assert {one.headers["host"] for one in service.received} == {service.address}


def test_the_credential_is_the_endpoints_own(client: Connections, service: RestService) -> None:
    service.token = "right"
    authorized = service.endpoint(headers={"Authorization": "Bearer right"})
    assert call(client, service, "get_order", id=7, endpoint=authorized)["isError"] is False

    with pytest.raises(HttpRefused) as caught:
        call(client, service, "get_order", id=7)
    assert (caught.value.status, caught.value.executed) == (401, "no")


def test_a_document_elsewhere_is_fetched_without_the_credential(client: Connections) -> None:
    with serve() as docs, serve() as service:
        both = frozenset({docs.address, service.address})
        changes = {"headers": {"Authorization": "Bearer secret"}, "internal_addresses": both}
        client.list_tools(service.endpoint(**changes))
        client.list_tools(service.endpoint(document_url=docs.document_url, **changes))

        assert service.received[0].headers["authorization"] == "Bearer secret"
        assert "authorization" not in docs.received[0].headers


def test_what_the_service_refuses_is_a_failed_result(
    client: Connections, service: RestService
) -> None:
    result = call(client, service, "get_order", id=99)
    assert (result["isError"], result["structuredContent"]) == (
        True,
        {"status": 404, "error": {"detail": "no such order"}},
    )
    service.answer = (503, b"busy")
    with pytest.raises(HttpRefused) as caught:
        call(client, service, "get_order", id=7)
    assert caught.value.executed == "unknown"


def test_what_was_accepted_is_done_whatever_the_document_says_now(
    client: Connections, service: RestService
) -> None:
    """The rug under a name: the document makes `get_order` delete, after it was accepted."""
    accepted = {tool["name"]: tool for tool in client.list_tools(service.endpoint()).tools}
    item = service.document["paths"]["/orders/{id}"]
    item["get"], item["delete"] = item["delete"], item["get"]
    item["delete"]["operationId"], item["get"]["operationId"] = "get_order", "delete_order"
    changed = {tool["name"]: tool for tool in client.list_tools(service.endpoint()).tools}

    client.call_tool(service.endpoint(), "get_order", {"id": 7}, accepted=accepted["get_order"])
    assert service.calls == [("GET", "/v1/orders/7")]
    assert changed["get_order"] != accepted["get_order"]


def test_a_tool_that_does_not_say_how_is_not_called(
    client: Connections, service: RestService
) -> None:
    for accepted in (None, {"name": "get_order"}):
        with pytest.raises(BadArguments) as caught:
            client.call_tool(service.endpoint(), "get_order", {"id": 7}, accepted=accepted)
        assert caught.value.executed == "no"
    assert service.received == []


def test_time_and_cancelling_end_a_call(client: Connections, service: RestService) -> None:
    service.hang.clear()
    with pytest.raises(TimedOut) as caught:
        call(client, service, "create_order", body={}, options={"timeout": 0.2})
    assert caught.value.executed == "unknown"

    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        call(client, service, "get_order", id=7, options={"cancelled": stop})
    assert time.monotonic() - started < 5


def test_answers_are_bounded(client: Connections, service: RestService) -> None:
    service.answer = (200, b"[" + b"1," * 2_500_000 + b"1]")
    with pytest.raises(TooLarge):
        call(client, service, "get_order", id=7)


def test_only_listed_addresses_are_dialled(client: Connections, service: RestService) -> None:
    accepted = client.list_tools(service.endpoint()).tools[0]
    nowhere = service.endpoint(internal_addresses=frozenset())
    with pytest.raises(GuardRefused):
        client.list_tools(nowhere)
    with pytest.raises(GuardRefused):
        client.call_tool(nowhere, accepted["name"], {}, accepted=accepted)
    with pytest.raises(GuardRefused):
        client.ping(nowhere)
    assert service.calls == []


def test_a_ping_asks_whether_anybody_is_there(client: Connections, service: RestService) -> None:
    assert client.ping(service.endpoint()) > 0
    assert service.calls == [("HEAD", "/v1")]

    service.token = "right"
    with pytest.raises(HttpRefused):
        client.ping(service.endpoint())
    service.token, service.answer = "", (500, b"")
    with pytest.raises(HttpRefused):
        client.ping(service.endpoint())
    closed = "127.0.0.1:9"
    with pytest.raises(Unreachable):
        client.ping(
            service.endpoint(url=f"http://{closed}/", internal_addresses=frozenset({closed}))
        )


def test_an_ended_connection_is_made_anew(client: Connections, service: RestService) -> None:
    assert client.ping(service.endpoint()) > 0
    client.close("orders")
    assert call(client, service, "get_order", id=7)["isError"] is False
    old = service.endpoint(max_age_seconds=0.001)
    for _ in range(2):
        time.sleep(0.002)
        assert client.ping(old) > 0
