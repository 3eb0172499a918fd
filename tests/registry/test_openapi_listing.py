"""What a document says of its service, from where it lies or from its own text."""

import json
from collections.abc import Iterator

import pytest

from registry.mcp.client import Connections
from registry.mcp.errors import BadAnswer, HttpRefused, TooLarge
from registry.openapi.listing import described
from tests.fakes.rest_service import RestService, document, serve


@pytest.fixture
def service() -> Iterator[RestService]:
    with serve() as running:
        yield running


def test_a_listing_is_as_a_servers(client: Connections, service: RestService) -> None:
    found = client.list_tools(service.endpoint())
    assert [tool["name"] for tool in found.tools] == [
        "find_orders",
        "create_order",
        "get_order",
        "delete_order",
    ]
    assert (found.protocol_version, found.server_info, found.instructions) == (
        "OpenAPI 3.0.3",
        {"name": "Orders", "version": "2"},
        "Orders of the shop.",
    )


def test_a_document_at_hand_needs_nobody(client: Connections, service: RestService) -> None:
    fetched = client.list_tools(service.endpoint())
    service.received.clear()
    text = json.dumps(service.document)
    assert client.list_tools(service.endpoint(document_url="", document=text)) == fetched
    assert service.received == []


def test_what_is_no_document_is_a_bad_answer(client: Connections, service: RestService) -> None:
    with pytest.raises(BadAnswer, match="it is no OpenAPI document"):
        client.list_tools(service.endpoint(document_url="", document="hello"))
    with pytest.raises(BadAnswer, match="There is no OpenAPI document"):
        client.list_tools(service.endpoint(document_url=""))
    with pytest.raises(HttpRefused):
        client.list_tools(service.endpoint(document_url=f"{service.url}/orders/99"))
    with pytest.raises(BadAnswer, match="cannot be used: it is no OpenAPI document"):
        client.list_tools(service.endpoint(document_url=f"{service.url}/orders"))


def test_more_operations_than_tools_may_be_are_refused(client: Connections) -> None:
    paths = {f"/{number}": {"get": {}} for number in range(501)}
    with serve() as service, pytest.raises(TooLarge):
        service.document["paths"] = paths
        client.list_tools(service.endpoint())


def test_the_service_is_where_it_was_registered_or_where_the_document_says() -> None:
    whole = document()
    whole["paths"]["/orders"]["servers"] = [{"url": "https://x.example/v2"}]
    data = json.dumps(whole).encode()
    flawed = [
        [tool["name"] for tool in found.tools if "omni2/flaw" in tool["_meta"]]
        for found in (
            described(data, document_url="https://x.example/openapi.json"),
            described(data, base_url="https://x.example/v2/"),
        )
    ]
    assert flawed == [["find_orders", "create_order"], []]
    assert described(data, document_url="https://x.example/openapi.json").base_url == (
        "https://x.example/v1"
    )
