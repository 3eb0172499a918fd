"""`tools/call` at the endpoint: the one door, in the protocol's terms."""

from django.db import connection

from accounts.models import Rule
from audit.models import Entry
from gateway.models import Approval, Call
from tests.approving import SUM, approver, confirm, say
from tests.mcp_client import ask, call_tool


def called(url, key, tool, arguments=None, **more):
    """The result of a call, or the JSON-RPC error."""
    answer = ask(url, key, "tools/call", {"name": tool, "arguments": arguments or {}}, **more)
    body = answer.json()
    return body.get("result") or body["error"]


def text_of(result):
    return result["content"][0]["text"], result["isError"]


def test_a_call_is_on_the_record_before_and_after_it_was_made(cast, upstream, mcp_url):
    result = called(mcp_url, cast.key(cast.dev), "upstream__add", {"a": 1, "b": 2})

    assert result["structuredContent"] == {"sum": 3}
    entries = Entry.objects.filter(kind__startswith="call.").order_by("pk")
    assert [(e.kind, e.outcome, e.person, e.door, e.effect, e.layer) for e in entries] == [
        ("call.calling", "pending", "dev@example.com", "mcp", "allow", "role"),
        ("call.called", "ok", "dev@example.com", "mcp", "allow", "role"),
    ]
    row = Call.objects.get()
    assert (row.state, row.door, row.question, upstream.calls) == (
        "done", "mcp", None, [("add", {"a": 1, "b": 2})]
    )  # fmt: skip


def test_what_the_model_can_mend_is_a_result_and_nothing_is_sent(cast, upstream, mcp_url):
    result = called(mcp_url, cast.key(cast.dev), "upstream__add", {"a": "one"})

    text, failed = text_of(result)
    assert ("b" in text, failed, upstream.calls) == (True, True, [])


def test_a_tool_that_fails_and_a_server_that_does_are_results_too(cast, upstream, mcp_url):
    key = cast.key(cast.dev)
    failing = text_of(called(mcp_url, key, "upstream__fail"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_server SET url = 'http://127.0.0.1:9/mcp'")
    gone = text_of(called(mcp_url, key, "upstream__echo", {"text": "x"}))

    assert failing == ("this tool always fails", True)
    assert (gone[1], Call.objects.filter(error_code="address_refused").count()) == (True, 1)


def test_nothing_is_decided_by_the_name_alone(cast, upstream, mcp_url):
    """An argument that the policy refuses makes the tool one that does not exist."""
    Rule.objects.create(
        kind=Rule.Kind.ARGUMENT, patterns=["add"], condition={"argument": "a", "max": 4}
    )
    confirm()
    key = cast.key(cast.dev)
    small, large = (called(mcp_url, key, "upstream__add", {"a": a, "b": 0}) for a in (4, 5))

    assert small["structuredContent"] == {"sum": 4}
    assert large == {"code": -32602, "message": "There is no such tool."}
    assert upstream.calls == [("add", {"a": 4, "b": 0})]


# --- Approvals ------------------------------------------------------------------------------------
def test_a_call_that_waits_says_so_and_the_same_call_is_made_once_it_is_approved(
    cast, upstream, mcp_url
):
    confirm("add")
    key, cleo = cast.key(cast.dev), approver()
    first, again = (text_of(called(mcp_url, key, "upstream__add", SUM)) for _ in range(2))
    approval = Approval.objects.get()
    say(cast, cleo, approval)
    made = called(mcp_url, key, "upstream__add", SUM)
    anew, _ = text_of(called(mcp_url, key, "upstream__add", SUM))

    assert first == again and first[1] is True and str(approval.pk) in first[0]
    assert (made["structuredContent"], upstream.calls) == ({"sum": 3}, [("add", SUM)])
    approval.refresh_from_db()
    assert approval.state == "used"
    assert str(Approval.objects.exclude(pk=approval.pk).get().pk) in anew


def test_a_no_is_said_and_other_arguments_need_a_yes_of_their_own(cast, upstream, mcp_url):
    confirm("add")
    key, cleo = cast.key(cast.dev), approver()
    called(mcp_url, key, "upstream__add", SUM)
    say(cast, cleo, Approval.objects.get(), approve=False)
    refused = text_of(called(mcp_url, key, "upstream__add", SUM))
    other = text_of(called(mcp_url, key, "upstream__add", {"a": 5, "b": 5}))

    assert refused == ("A person refused this call: seen", True)
    assert "waits for somebody's approval" in other[0]
    assert upstream.calls == []


def test_a_yes_of_one_person_is_not_used_by_another(cast, upstream, mcp_url):
    confirm("add")
    called(mcp_url, cast.key(cast.dev), "upstream__add", SUM)
    say(cast, approver(), Approval.objects.get())
    text, failed = text_of(called(mcp_url, cast.key(cast.ada), "upstream__add", SUM))

    assert ("waits for somebody's approval" in text, failed, upstream.calls) == (True, True, [])


def test_the_official_client_reads_that_its_call_waits(cast, upstream, mcp_url):
    confirm("add")
    results = [
        call_tool(mcp_url, cast.key(cast.dev), "upstream__add", SUM, mode=mode)
        for mode in ("legacy", "2026-07-28")
    ]

    assert [one.is_error for one in results] == [True, True]
    assert results[0].content[0].text == results[1].content[0].text
