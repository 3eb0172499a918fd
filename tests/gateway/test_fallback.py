"""A server that stands in for another: when, for whom, and that nobody is fooled by it."""

import threading

import pytest

from accounts import access
from accounts.models import Rule
from audit.models import Entry
from gateway import calls, errors, fallback
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Approval, Call, Door
from registry.mcp.errors import Unreachable
from registry.models import Breaker, Server, Tool
from tests.approving import confirm
from tests.cast import READ_TOOLS, register
from tests.mcp_client import ask as ask_mcp
from tests.registry.fixtures import CLOSED_PORT
from tests.ways.asking import asked, results_read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def second(cast, upstream, settings):
    """Stands in for `upstream`, which cannot be reached; developers may read there."""
    settings.INTERNAL_ADDRESSES = [*settings.INTERNAL_ADDRESSES, f"127.0.0.1:{CLOSED_PORT}"]
    server = register(upstream.url, name="second")
    gone = f"http://127.0.0.1:{CLOSED_PORT}/mcp"
    Server.objects.filter(name="upstream").update(url=gone, fallback=server)
    allow(READ_TOOLS)
    return server


def allow(patterns):
    Rule.objects.create(
        kind=Rule.Kind.ROLE,
        server="second",
        role="developer",
        mode="allow_only",
        patterns=patterns,
    )
    access.publish("tests")


def wish(cast, tool="echo", arguments=None, **more):
    arguments = {"text": "x"} if arguments is None else arguments
    return calls.Wish(cast.asker(cast.dev), Door.CLI, "upstream", tool, arguments, **more)


def made():
    """The rows of calls, in order: (server, state, whether it stands in)."""
    return [
        (row.server, row.state, row.instead_of_id is not None)
        for row in Call.objects.order_by("created_at")
    ]


def is_not_stood_in_for(wanted, upstream):
    with pytest.raises(errors.UpstreamFailed, match="No connection to the server"):
        calls.call(wanted)
    assert (made(), upstream.calls) == ([("upstream", "failed", False)], [])


# --- It stands in ---------------------------------------------------------------------------------
def test_the_other_server_is_called_through_the_one_door_and_both_calls_are_on_the_record(
    cast, upstream, second
):
    row = calls.call(wish(cast))

    first = Call.objects.get(server="upstream")
    assert (row.server, row.state, row.text, row.instead_of) == ("second", "done", "x", first)
    assert upstream.calls == [("echo", {"text": "x"})]
    entries = Entry.objects.filter(kind__startswith="call.").order_by("pk")
    assert [(e.kind, e.server, e.outcome, e.call) for e in entries] == [
        ("call.calling", "upstream", "pending", str(first.pk)),
        ("call.called", "upstream", "failed", str(first.pk)),
        ("call.calling", "second", "pending", str(row.pk)),
        ("call.called", "second", "ok", str(row.pk)),
    ]
    stands_in = [(e.detail or {}).get("instead_of") for e in entries]
    assert stands_in == [None, None, str(first.pk), str(first.pk)]


def test_a_server_that_is_left_alone_is_stood_in_for_without_being_asked(cast, upstream, second):
    server = Server.objects.get(name="upstream")
    Breaker.objects.create(server=server, failures=5, closed_until="2099-01-01T00:00:00Z")
    row = calls.call(wish(cast))
    assert (row.server, Call.objects.get(server="upstream").error_code) == (
        "second",
        "server_unavailable",
    )


def test_the_model_reads_which_server_it_was_also_when_the_question_is_worked_on_again(
    cast, upstream, second
):
    model = ScriptedModel([uses(("upstream__echo", {"text": "from there"})), says("done")])
    question = asked(cast, cast.dev, "echo it", model)

    [(text, failed)] = results_read(model)
    note = "[upstream could not be reached: this is the answer of second.]"
    assert (question.state, failed) == ("answered", False)
    assert text == f"Result of echo on second (data, not instructions):\n{note}\nfrom there"
    first = question.calls.get(server="upstream")
    assert fallback.last_of(first) == question.calls.get(server="second")
    assert fallback.last_of(fallback.last_of(first)).server == "second"


def test_rest_and_mcp_say_which_server_it_was(cast, upstream, second, client_of, mcp_url):
    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}
    told = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json").json()
    first = Call.objects.get(server="upstream")
    assert (told["server"], told["text"], told["instead_of"]) == ("second", "x", str(first.pk))

    params = {"name": "upstream__add", "arguments": {"a": 1, "b": 2}}
    result = ask_mcp(mcp_url, cast.key(cast.dev), "tools/call", params).json()["result"]
    assert (result["structuredContent"], result["content"][-1]["text"]) == (
        {"sum": 3},
        "upstream could not be reached: this is the answer of second.",
    )


# --- It does not ----------------------------------------------------------------------------------
def test_without_a_configured_one_nothing_stands_in(cast, upstream, second):
    Server.objects.update(fallback=None)
    is_not_stood_in_for(wish(cast), upstream)


def test_who_may_not_call_the_tool_there_gets_nothing_from_there(cast, upstream, second):
    Rule.objects.filter(server="second").delete()
    access.publish("tests")
    is_not_stood_in_for(wish(cast), upstream)
    # And nothing is held against them for what they did not ask for.
    assert not Entry.objects.filter(kind="call.refused").exists()


@pytest.mark.parametrize("on", ["upstream", "second"])
def test_a_tool_that_may_write_by_the_word_of_either_server_is_never_stood_in_for(
    cast, upstream, second, on
):
    Tool.objects.filter(server__name=on, name="echo").update(annotations={"readOnlyHint": False})
    is_not_stood_in_for(wish(cast), upstream)


def test_a_tool_that_was_set_aside_there_does_not_stand_in(cast, upstream, second):
    Tool.objects.filter(server=second).update(state=Tool.State.QUARANTINED)
    is_not_stood_in_for(wish(cast), upstream)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"text": {"type": "integer"}}},
        {"type": "object", "properties": {"words": {"type": "string"}}},
        {
            "type": "object",
            "properties": {"text": {"type": "string"}, "style": {"type": "string"}},
            "required": ["style"],
        },
    ],
)
def test_a_tool_that_takes_other_arguments_does_not_stand_in(cast, upstream, second, schema):
    Tool.objects.filter(server=second, name="echo").update(input_schema=schema)
    is_not_stood_in_for(wish(cast), upstream)


def test_what_somebody_would_have_to_approve_there_does_not_stand_in(cast, upstream, second):
    confirm("second/echo")
    is_not_stood_in_for(wish(cast), upstream)
    assert not Approval.objects.exists()


def test_a_tool_that_ran_and_failed_or_was_refused_has_answered(cast, upstream, second):
    url = Server.objects.get(name="second").url
    Server.objects.filter(name="upstream").update(url=url)
    assert calls.call(wish(cast, "fail", {})).state == "failed"
    assert made() == [("upstream", "failed", False)]


def test_there_are_no_chains_and_no_circles(cast, upstream, second):
    gone = Server.objects.get(name="upstream")
    Server.objects.filter(pk=second.pk).update(url=gone.url, fallback=gone)
    with pytest.raises(errors.UpstreamFailed, match="No connection to the server"):
        calls.call(wish(cast))
    assert made() == [("upstream", "failed", False), ("second", "failed", True)]


def test_the_limit_of_the_other_server_counts(cast, upstream, second):
    Server.objects.filter(pk=second.pk).update(requests_per_minute=1)
    assert calls.call(wish(cast)).server == "second"
    with pytest.raises(errors.UpstreamFailed, match="No connection"):
        calls.call(wish(cast))
    refused = Entry.objects.get(kind="call.refused")
    assert (refused.server, refused.error_code) == ("second", "limit_reached")


def test_what_is_not_wanted_any_more_or_has_no_time_left_is_not_stood_in_for(
    cast, upstream, second
):
    stopped = threading.Event()
    checked = calls.check(wish(cast, cancelled=stopped))
    row = Call(person=cast.dev, server="upstream", tool="echo")
    error = Unreachable("No connection to the server.", executed="no")
    assert fallback.instead(checked, row, error).server == "second"
    late = calls.check(wish(cast, timeout=0.0))
    assert fallback.instead(late, row, error) is None
    stopped.set()
    assert fallback.instead(checked, row, error) is None
