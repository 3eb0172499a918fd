"""What is asked of the person behind the client before there is a result."""

import json

from anyio import to_thread
from mcp import types

from accounts import access
from accounts.models import Rule
from audit.models import Entry
from gateway.models import Approval
from registry.models import Server
from tests.approving import SUM, approver, confirm, say
from tests.cast import register
from tests.fakes import changing_server
from tests.mcp_client import ask, with_client

FORMS = {"elicitation": {}}
STATEFUL = "fixture__test_input_required_result_request_state"
YES = {"confirm": {"action": "accept", "content": {"ok": True}}}


def called(url, key, tool, arguments=None, *, capabilities=None, **more):
    """The result of a call, or the JSON-RPC error."""
    params = {"name": tool, "arguments": arguments or {}, **more}
    body = ask(url, key, "tools/call", params, capabilities=capabilities or {}).json()
    return body.get("result") or body["error"]


def test_a_tool_asks_the_person_and_gets_the_answer(cast, fixture, mcp_url):
    asked = []

    async def answer(_context, params):
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"name": "Dev"})

    async def work(client):
        return await client.call_tool("fixture__test_input_required_result_elicitation")

    options = {"mode": "2026-07-28", "elicitation_callback": answer}
    result = with_client(mcp_url, cast.key(cast.dev), work, **options)

    assert asked == ["fixture asks: What is your name?"]
    assert (result.is_error, "Dev" in result.content[0].text) == (False, True)
    texts = [entry.preview for entry in Entry.objects.filter(kind="call.called").order_by("pk")]
    assert texts[0] == "[asks for elicitation/create: What is your name?]"


def test_what_the_person_leaves_out_is_filled_in_by_the_form(cast, mcp_url, settings):
    """SEP-1034: over a state of ours, for the server gave none."""
    properties = {
        "name": {"type": "string", "default": "John"},
        "age": {"type": "integer", "default": 30},
    }
    with changing_server.serve() as asking:
        asking.form = {"type": "object", "properties": properties}
        settings.INTERNAL_ADDRESSES = [asking.address]
        register(asking.url, name="asking")
        Rule.objects.create(kind="role", server="asking", role="developer", mode="allow_all")
        access.publish("tests")
        key, answer = cast.key(cast.dev), {"action": "accept", "content": {"age": 7}}
        first = called(mcp_url, key, "asking__ask", capabilities=FORMS)
        back = {"inputResponses": {"sure": answer}, "requestState": first["requestState"]}
        second = called(mcp_url, key, "asking__ask", capabilities=FORMS, **back)

    assert json.loads(second["content"][0]["text"]) == ["accept", {"name": "John", "age": 7}]


def test_a_client_that_cannot_be_asked_is_told(cast, fixture, mcp_url):
    result = called(mcp_url, cast.key(cast.dev), STATEFUL)

    assert result["isError"] is True
    assert "asks for a person's input" in result["content"][0]["text"]


def test_a_server_asks_for_nothing_that_it_may_not_ask_for(cast, fixture, mcp_url):
    key, samples = cast.key(cast.dev), {"sampling": {}, "elicitation": {}}
    tool = "fixture__test_input_required_result_sampling"
    refused = called(mcp_url, key, tool, capabilities=samples)
    Server.objects.update(may_ask=["sampling"])
    asked = called(mcp_url, key, tool, capabilities=samples)

    assert refused["content"][0]["text"] == "The server asks for what it may not ask here."
    assert asked["inputRequests"]["capital_question"]["method"] == "sampling/createMessage"


def test_the_state_is_good_for_this_person_and_this_call_alone(cast, fixture, mcp_url):
    key = cast.key(cast.dev)
    state = called(mcp_url, key, STATEFUL, capabilities=FORMS)["requestState"]

    def retried(by=key, tool=STATEFUL, sent=state):
        more = {"inputResponses": YES, "requestState": sent}
        return called(mcp_url, by, tool, capabilities=FORMS, **more)

    other = "fixture__test_input_required_result_tampered_state"
    bad = [retried(by=cast.key(cast.ada)), retried(tool=other), retried(sent=state + "x")]
    assert [one.get("code") for one in bad] == [-32602] * 3
    assert "state-ok" in retried()["content"][0]["text"]


def test_a_prompt_may_ask_as_well(cast, fixture, mcp_url):
    name = "fixture__test_input_required_result_prompt"
    key = cast.key(cast.dev)
    first = ask(mcp_url, key, "prompts/get", {"name": name}, capabilities=FORMS).json()["result"]
    answers = {"user_context": {"action": "accept", "content": {"context": "here"}}}
    params = {"name": name, "inputResponses": answers}
    second = ask(mcp_url, key, "prompts/get", params, capabilities=FORMS).json()["result"]

    assert first["resultType"] == "input_required"
    assert "here" in second["messages"][0]["content"]["text"]


# --- Approvals ------------------------------------------------------------------------------------
def test_a_client_that_can_be_asked_is_shown_what_its_call_waits_for(cast, upstream, mcp_url):
    confirm("add")
    cleo, seen = approver(), []

    async def answer(_context, params):
        seen.append(params.message)
        # The person waits until somebody has said yes, and tries again.
        await to_thread.run_sync(lambda: say(cast, cleo, Approval.objects.get()))
        return types.ElicitResult(action="accept", content={"again": True})

    async def work(client):
        return await client.call_tool("upstream__add", SUM)

    options = {"mode": "2026-07-28", "elicitation_callback": answer}
    result = with_client(mcp_url, cast.key(cast.dev), work, **options)

    assert (result.structured_content, upstream.calls) == ({"sum": 3}, [("add", SUM)])
    assert str(Approval.objects.get().pk) in seen[0]


def test_whoever_does_not_try_again_makes_no_call(cast, upstream, mcp_url):
    confirm("add")
    key = cast.key(cast.dev)
    first = called(mcp_url, key, "upstream__add", SUM, capabilities=FORMS)
    say(cast, approver(), Approval.objects.get())

    def retried(answer):
        more = {"inputResponses": {"approval": answer}, "requestState": first["requestState"]}
        return called(mcp_url, key, "upstream__add", SUM, capabilities=FORMS, **more)

    declined = retried({"action": "decline"})
    made = retried({"action": "accept", "content": {"again": True}})

    assert declined["content"][0]["text"] == "The call was not made."
    assert (made["structuredContent"], upstream.calls) == ({"sum": 3}, [("add", SUM)])


def test_a_form_answered_too_early_is_not_shown_again(cast, upstream, mcp_url):
    confirm("add")
    key = cast.key(cast.dev)
    first = called(mcp_url, key, "upstream__add", SUM, capabilities=FORMS)
    more = {
        "inputResponses": {"approval": {"action": "accept"}},
        "requestState": first["requestState"],
    }
    again = called(mcp_url, key, "upstream__add", SUM, capabilities=FORMS, **more)

    assert (again["isError"], "waits for somebody's approval" in again["content"][0]["text"]) == (
        True, True
    )  # fmt: skip
    assert (upstream.calls, Approval.objects.count()) == ([], 1)
