"""A REST service by its OpenAPI document, the whole way: decided, called, recorded, drifted."""

import pytest

from audit.models import Entry
from gateway.llm.scripted import ScriptedModel, says, uses
from registry import discovery, documents
from registry.credentials import seal
from registry.models import Server
from tests.fakes import rest_service
from tests.mcp_client import ask, call_tool
from tests.ways.asking import asked, kinds, results_read

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "a-token-of-the-registry"


@pytest.fixture
def service(cast, settings):
    """The service, registered where the people's policy speaks of it, with its tools read."""
    with rest_service.serve() as running:
        running.token = TOKEN
        settings.INTERNAL_ADDRESSES = [running.address]
        server = Server.objects.create(
            name="upstream",
            transport=Server.Transport.OPENAPI,
            url=running.url,
            authentication=Server.Authentication.BEARER,
            sealed=seal({"authentication": {"api_key": TOKEN}}),
            timeout_seconds=10,
        )
        documents.keep(server, running.document_url, "")
        discovery.sync(server)
        running.received.clear()
        yield running


def test_a_question_is_answered_by_a_rest_service(cast, service):
    model = ScriptedModel([uses(("upstream__get_order", {"id": 7})), says("It is Ann's.")])

    question = asked(cast, cast.dev, "whose is order 7?", model)

    assert (question.state, question.answer) == ("answered", "It is Ann's.")
    assert service.calls == [("GET", "/v1/orders/7")]
    assert service.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert [text.splitlines()[1:] for text, _ in results_read(model)] == [
        ['{"id": 7, "customer": "Ann"}']
    ]
    assert kinds(question) == [
        ("question.accepted", "pending"),
        ("model.turn", "ok"),
        ("call.calling", "pending"),
        ("call.called", "ok"),
        ("model.turn", "ok"),
        ("question.ended", "ok"),
    ]
    assert TOKEN not in str(list(Entry.objects.values()))


def test_the_policy_decides_on_operations_as_on_any_tool(cast, service):
    model = ScriptedModel(
        [
            uses(
                ("upstream__delete_order", {"id": 7}),
                ("upstream__create_order", {"body": {"customer": "Eve"}}),
            ),
            says("I could not."),
        ]
    )

    asked(cast, cast.dev, "delete order 7", model)

    assert [tool.name for tool in model.heard[0].tools] == ["upstream__get_order"]
    assert results_read(model) == [("There is no such tool.", True)] * 2
    assert service.calls == []


def test_arguments_are_checked_before_anything_leaves(cast, service):
    model = ScriptedModel(
        [
            uses(
                ("upstream__get_order", {"id": "../../admin"}),
                ("upstream__get_order", {"id": 7, "host": "attacker.example"}),
            ),
            says("No."),
        ]
    )

    asked(cast, cast.dev, "order", model)

    assert [is_error for _, is_error in results_read(model)] == [True, True]
    assert service.calls == []


def test_a_no_of_the_service_reaches_the_model_and_the_caller_with_its_status(
    cast, service, client_of
):
    model = ScriptedModel([uses(("upstream__get_order", {"id": 99})), says("There is none.")])
    asked(cast, cast.dev, "order 99", model)
    body = {"server": "upstream", "tool": "get_order", "arguments": {"id": 99}}
    answer = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json").json()

    ((text, is_error),) = results_read(model)
    assert ("HTTP 404" in text, is_error) == (True, True)
    assert "HTTP 404" in str(answer)
    assert [entry.outcome for entry in Entry.objects.filter(kind="call.called")] == ["failed"] * 2


def test_an_mcp_client_calls_a_rest_service_and_sees_nothing_of_its_paths(cast, service, mcp_url):
    key = cast.key(cast.dev)
    listed = ask(mcp_url, key, "tools/list").json()["result"]["tools"]
    result = call_tool(mcp_url, key, "upstream__get_order", {"id": 7})

    assert [tool["name"] for tool in listed] == ["upstream__get_order"]
    assert "/v1" not in str(listed) and "/orders" not in str(listed)
    assert (result.structured_content, result.is_error) == ({"id": 7, "customer": "Ann"}, False)
    assert service.calls == [("GET", "/v1/orders/7")]


def test_a_document_that_changes_sets_its_tools_aside(cast, service):
    """T-17 for a service: an operation keeps its name and does something else."""
    item = service.document["paths"]["/orders/{id}"]
    item["get"]["operationId"], item["delete"]["operationId"] = "delete_order", "get_order"
    server = Server.objects.get()
    report = discovery.sync(server)
    service.received.clear()
    model = ScriptedModel([uses(("upstream__get_order", {"id": 7})), says("No.")])
    asked(cast, cast.dev, "order 7", model)

    assert sorted(name for name, _ in report.set_aside) == ["delete_order", "get_order"]
    assert service.calls == []
    assert sorted(service.orders) == [7, 8]
