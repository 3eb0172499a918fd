"""The one door to a tool: what is not allowed, not right or not on the record never leaves."""

import time
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import access
from accounts.errors import PolicyUnavailable
from accounts.models import PolicyVersion
from accounts.policy import Inputs
from audit import redact
from audit.models import Entry
from gateway import calls, errors
from gateway.models import Call, Door
from registry import breaker, bulkhead, discovery, schemas
from registry.connecting import Person
from registry.models import ConnectedAccount, Document, Server, Tool
from tests.fakes import rest_service
from tests.registry import accounts
from tests.ways.asking import put

pytestmark = pytest.mark.django_db

SENDS = pytest.mark.django_db(transaction=True)


def wish(cast, tool="echo", arguments=None, *, user=None, **more):
    arguments = {"text": "x"} if arguments is None else arguments
    return calls.Wish(cast.asker(user or cast.ada), Door.CLI, "upstream", tool, arguments, **more)


def entries():
    found = Entry.objects.filter(kind__startswith="call.").order_by("pk")
    return [(entry.kind, entry.outcome, entry.error_code) for entry in found]


# --- Nothing fails open (T-33) --------------------------------------------------------------------
def no_policy():
    PolicyVersion.objects.update(digest="0" * 64)


def no_record():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry RENAME TO elsewhere")


def no_person():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user RENAME TO elsewhere")


@pytest.mark.parametrize(
    ("broken", "error"),
    [(no_policy, PolicyUnavailable), (no_record, DatabaseError), (no_person, DatabaseError)],
)
def test_what_cannot_be_decided_or_recorded_is_not_sent(cast, upstream, broken, error):
    wanted = wish(cast)
    broken()

    with pytest.raises(error), transaction.atomic():
        calls.call(wanted)

    assert upstream.calls == []
    assert Call.objects.count() == 0


def test_a_limit_of_the_server_is_told_recorded_and_not_sent(cast, upstream):
    name = f"limited-{uuid4().hex[:8]}"
    Server.objects.update(requests_per_minute=1, name=name)
    wanted = calls.Wish(cast.asker(cast.ada), Door.CLI, name, "echo", {"text": 5})

    with pytest.raises(errors.BadArguments):
        calls.call(wanted)
    with pytest.raises(errors.LimitReached, match="1 calls a minute of the server"):
        calls.call(wanted)

    assert upstream.calls == []
    assert entries() == [
        ("call.refused", "refused", "bad_arguments"),
        ("call.refused", "refused", "limit_reached"),
    ]


@pytest.mark.parametrize(
    ("server", "tool"),
    [
        ("upstream", ""),
        ("upstream", "upstream__echo"),
        ("upstream", "ECHO"),
        ("upstream", "echo\n"),
        ("upstream", "e\u0441ho"),
        ("Upstream", "echo"),
        ("", "echo"),
        ("other", "echo"),
        ("upstream", "%"),
    ],
)
def test_a_name_that_is_not_the_stored_one_is_unknown_and_on_the_record(
    cast, upstream, server, tool
):
    wanted = calls.Wish(cast.asker(cast.ada), Door.CLI, server, tool, {"text": "x"})

    with pytest.raises(errors.UnknownTool):
        calls.call(wanted)

    assert upstream.calls == []
    assert entries() == [("call.refused", "refused", "unknown_tool")]


UNSTORABLE = ["a\0b", "half \ud800", float("inf"), {"deep": ["\0"]}, {"\0": 1}]


@pytest.mark.parametrize("value", UNSTORABLE, ids=range(len(UNSTORABLE)))
@pytest.mark.parametrize(
    ("tool", "error"),
    [("echo", errors.BadArguments), ("write_note", errors.Refused)],
)
def test_arguments_no_database_takes_are_refused_like_others(cast, upstream, tool, error, value):
    anything = {"type": "object", "properties": {"text": {}}}
    Tool.objects.filter(name="echo").update(input_schema=anything)
    question = put(cast, cast.dev, "hello")
    wanted = wish(cast, tool, {"text": value}, user=cast.dev, question=question, step="s1")

    with pytest.raises(error):
        calls.call(wanted)

    assert upstream.calls == []
    assert entries() == [("call.refused", "refused", error.code)]


def test_a_backslash_before_what_looks_like_a_nul_is_no_nul(cast):
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    texts = ["\\u0000", "\\\\u0000", "u0000"]

    assert [schemas.validate(schema, {"text": text}) for text in texts] == [[], [], []]


# --- What was decided can be decided again --------------------------------------------------------
def _without_id(entry):
    return {name: value for name, value in entry.decision.items() if name != "id"}


@SENDS
def test_every_decision_can_be_taken_again_from_its_entry_alone(cast, upstream):
    policy, version = access.current()
    calls.call(wish(cast))
    with pytest.raises(errors.Refused):
        calls.call(wish(cast, "write_note", user=cast.dev))
    with pytest.raises(errors.Refused):
        calls.call(wish(cast, user=cast.sue))

    entries = list(Entry.objects.filter(kind__startswith="call.").order_by("pk"))
    again = [
        Inputs.from_json(entry.inputs).decide(policy, entry.arguments).summary()
        for entry in entries
    ]
    assert again == [_without_id(entry) for entry in entries]
    assert [(entry.kind, entry.effect, entry.policy_version) for entry in entries] == [
        ("call.calling", "allow", version),
        ("call.called", "allow", version),
        ("call.refused", "deny", version),
        ("call.refused", "deny", version),
    ]


# --- What was sent --------------------------------------------------------------------------------
@SENDS
def test_the_arguments_sent_are_those_decided_on_whoever_changes_them_meanwhile(cast, upstream):
    given = {"text": "first"}

    def change(kind, **data):
        given["text"] = "second"

    row = calls.call(wish(cast, arguments=given, show=change))

    assert given == {"text": "second"}
    assert upstream.calls == [("echo", {"text": "first"})]
    assert row.arguments == {"text": "first"}


@SENDS
def test_every_step_is_shown_with_the_id_of_its_row(cast, upstream):
    told = []
    row = calls.call(wish(cast, show=lambda kind, **data: told.append((kind, data))))

    [(first, calling), (second, called)] = told
    assert (first, calling) == (
        "calling",
        {"call": str(row.pk), "server": "upstream", "tool": "echo", "arguments": {"text": "x"}},
    )
    assert (second, called["call"], called["state"], called["preview"]) == (
        "called", str(row.pk), "done", "x",
    )  # fmt: skip


@SENDS
def test_a_secret_the_server_gives_back_is_nowhere_afterwards(cast, upstream):
    def kept(text):
        row = calls.call(wish(cast, arguments={"text": f"a {text} b"}))
        row.refresh_from_db()
        # What the person sent is theirs; what came back is not.
        return row.text, str(list(Entry.objects.values_list("preview", "detail")))

    text, record = kept("T38-not-yet-a-secret")
    assert text == "a T38-not-yet-a-secret b" and text in record, "the test could not fail"

    redact.remember("T38-upstream-credential")
    try:
        text, record = kept("T38-upstream-credential")
    finally:
        redact.forget("T38-upstream-credential")
    assert text == "a [redacted] b"
    assert "T38-upstream-credential" not in record


@SENDS
@pytest.mark.parametrize(
    ("annotations", "error", "state"),
    [
        ({"readOnlyHint": True}, errors.UpstreamFailed, "failed"),
        ({"idempotentHint": True}, errors.UpstreamFailed, "failed"),
        ({}, errors.OutcomeUnknown, "unknown"),
        ({"readOnlyHint": "true"}, errors.OutcomeUnknown, "unknown"),
    ],
)
def test_no_answer_in_time_is_unknown_unless_the_tool_is_declared_harmless(
    cast, upstream, annotations, error, state
):
    Tool.objects.filter(name="slow").update(annotations=annotations)

    with pytest.raises(error):
        calls.call(wish(cast, "slow", {"seconds": 5}, timeout=0.25))

    row = Call.objects.get()
    assert (row.state, row.finished_at is None) == (state, False)
    assert [(kind, outcome) for kind, outcome, _ in entries()] == [
        ("call.calling", "pending"), ("call.called", state),
    ]  # fmt: skip


@SENDS
def test_a_server_that_is_not_there_has_carried_nothing_out(cast, upstream, settings):
    settings.INTERNAL_ADDRESSES = ["127.0.0.1:1"]
    Server.objects.update(url="http://127.0.0.1:1/mcp")

    with pytest.raises(errors.UpstreamFailed):
        calls.call(wish(cast, "write_note"))

    assert Call.objects.get().state == "failed"
    assert [kind for kind, _, _ in entries()] == ["call.calling", "call.called"]


@SENDS
def test_arguments_that_cannot_be_written_are_the_callers(cast, settings):
    with rest_service.serve() as orders:
        orders.document["paths"]["/orders/{id}"]["parameters"] = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        ]
        settings.INTERNAL_ADDRESSES = [orders.address]
        server = Server.objects.create(name="upstream", transport="openapi", url=orders.url)
        Document.objects.create(server=server, url=orders.document_url)
        discovery.sync(server)
        Tool.objects.update(state=Tool.State.OFFERED)
        for _ in range(6):
            with pytest.raises(errors.BadArguments) as caught:
                calls.call(wish(cast, "get_order", {"id": ".."}))
        assert (caught.value.status, caught.value.field) == (400, "arguments")
        assert "arguments.id" in caught.value.message
        assert orders.calls == []
        assert calls.call(wish(cast, "get_order", {"id": "7"})).state == "done"
    assert entries()[:2] == [
        ("call.calling", "pending", ""), ("call.called", "failed", "bad_arguments"),
    ]  # fmt: skip


@SENDS
def test_a_server_that_is_left_alone_or_full_is_a_503_that_says_so(
    cast, upstream, client, monkeypatch
):
    server = Server.objects.get()
    for _ in range(5):
        breaker.failed(server)
    with pytest.raises(errors.UpstreamFailed) as caught:
        calls.call(wish(cast))
    assert (caught.value.code, caught.value.status) == ("server_unavailable", 503)
    assert 0 < caught.value.details()["reset_seconds"] <= 30

    key = cast.key(cast.ada)
    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "x"}}
    answer = client.post(
        "/api/mcp/tools/call", body, "application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "server_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 30

    breaker.succeeded(server)
    Server.objects.update(concurrent_calls=1)
    server.refresh_from_db()
    monkeypatch.setattr(bulkhead, "WAIT_SECONDS", 0.05)
    with (
        bulkhead.place(server, deadline=time.monotonic() + 5, stops=lambda: False),
        pytest.raises(errors.UpstreamFailed) as caught,
    ):
        calls.call(wish(cast))
    assert (caught.value.code, caught.value.status) == ("server_busy", 503)
    assert upstream.calls == []


@SENDS
def test_a_worker_that_lost_its_question_calls_nothing(cast, upstream):
    question = put(cast, cast.ada, "note it")
    assert question.claim("old:1")
    type(question).objects.filter(pk=question.pk).update(owner="new:1")

    with pytest.raises(errors.LeaseLost):
        calls.call(wish(cast, "write_note", question=question, step="s1"))

    assert (upstream.calls, Call.objects.count(), entries()) == ([], 0, [])


# --- Accounts of one's own ------------------------------------------------------------------------
CONNECT = "http://127.0.0.1:8000/connections/#upstream"


def test_without_an_account_of_ones_own_nothing_is_sent_and_the_way_to_one_is_told(cast, upstream):
    Server.objects.update(authentication="oauth")
    upstream.requests.clear()

    with pytest.raises(errors.NotConnected) as raised:
        calls.call(wish(cast))

    assert raised.value.message == (
        f"Your own account at upstream is not connected yet. Connect it here: {CONNECT}"
    )
    assert raised.value.details() == {"server": "upstream", "connect_url": CONNECT}
    assert (upstream.requests, Call.objects.count()) == ([], 0)
    assert entries() == [("call.refused", "refused", "not_connected")]


def test_a_call_that_is_not_allowed_says_nothing_of_accounts(cast, upstream):
    Server.objects.update(authentication="oauth")
    with pytest.raises(errors.Refused):
        calls.call(wish(cast, user=cast.guest))


def test_an_account_that_ends_during_the_call_is_told_with_the_way_to_a_new_one(cast, protected):
    server = Server.objects.create(
        name="upstream", transport="http", url=protected.upstream.url, authentication="oauth"
    )
    accounts.connect(server, Person(cast.ada.pk, cast.ada.email, "a session"))
    discovery.sync(server)
    ConnectedAccount.objects.update(renew_at=timezone.now())
    protected.authority.refreshing.clear()

    with pytest.raises(errors.NotConnected, match="has to be connected again") as raised:
        calls.call(wish(cast))

    row = Call.objects.get()
    assert (row.state, row.error_code, row.text) == (
        "failed",
        "not_connected",
        raised.value.message,
    )
    assert entries()[-1] == ("call.called", "failed", "not_connected")
    assert protected.upstream.calls == []
