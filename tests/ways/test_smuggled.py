"""The arguments that are checked are the very ones that are sent and written down (T-07)."""

import pytest

from accounts import access
from accounts.models import Rule
from audit import chain
from audit.models import Entry
from audit.redact import redact
from gateway import work
from gateway.llm.scripted import ScriptedModel, says, uses
from registry.models import Tool
from tests.ways.asking import asked, put, results_read

pytestmark = pytest.mark.django_db(transaction=True)

ANYTHING = {"type": "object", "properties": {"text": {}}, "additionalProperties": True}
ODD = [
    {"text": "plain"},
    {"text": "\u212a \u2028 \U0001f600 e\u0301 \u00e9"},
    {"text": {"b": 1, "a": [1, 1.5, -0.0, 1e15, 12345678901234567890], "": None}},
    {"text": "line\r\nline", "other": ["\\u0000", "</script>", "\t"]},
    {"text": True, "n": 0.1, "m": 100000000000000000000.0},
]


@pytest.mark.parametrize("arguments", ODD, ids=range(len(ODD)))
def test_the_upstream_gets_byte_for_byte_what_is_on_the_record(
    cast, upstream, client_of, arguments
):
    Tool.objects.filter(name="echo").update(input_schema=ANYTHING)
    body = {"server": "upstream", "tool": "echo", "arguments": arguments}

    answer = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert answer.status_code == 200
    [(tool, received)] = upstream.calls
    first = Entry.objects.filter(kind="call.calling").get()
    assert chain.canonical(received) == chain.canonical(arguments)
    # The record writes whole numbers as whole numbers, and nothing else in another way.
    assert chain.canonical(redact(received)) == chain.canonical(first.arguments)
    assert first.arguments_digest == chain.digest(redact(received))
    assert first.arguments == received


NOT_KEPT = ["\x00", "/tmp/a\x00b", "\ud800", "half \udfff", float("nan"), float("inf"), "\ufdd0"]


def test_a_model_is_told_of_arguments_that_nobody_can_keep_and_nothing_is_sent(cast, upstream):
    Tool.objects.filter(name="echo").update(input_schema=ANYTHING)
    odd = [{"text": text} for text in NOT_KEPT] + [{"text": {"deep": ["\x00"]}}, {"text\x00": "x"}]
    model = ScriptedModel([uses(*[("upstream__echo", arguments) for arguments in odd]), says("no")])

    question = asked(cast, cast.dev, "try them all", model)

    assert (question.state, question.answer, upstream.calls) == ("answered", "no", [])
    [told] = set(results_read(model))
    assert "holds a NUL or half a character" in told[0]
    refused = Entry.objects.filter(kind="call.refused").values_list("error_code", flat=True)
    assert list(refused) == ["bad_arguments"] * len(odd)


def test_a_question_goes_on_after_a_crash_without_the_argument_repaired(cast, upstream):
    said = uses(("upstream__echo", {"text": "a\x00b"}))
    question = put(cast, cast.dev, "try")
    question.turns.create(
        number=1, content=said.content, stop=said.stop, model="scripted", usage=vars(said.usage)
    )

    work.run(question.pk, model=ScriptedModel([says("still no")]))

    assert (upstream.calls, question.calls.get().error_code) == ([], "bad_arguments")


def test_what_a_model_says_is_kept_with_a_sign_for_what_cannot_be(cast, upstream):
    question = asked(cast, cast.dev, "hello", ScriptedModel([says("a\x00b \ud800 c")]))

    assert (question.state, question.answer) == ("answered", "a\ufffdb \ufffd c")


def test_a_nul_in_an_argument_is_refused_over_rest(cast, upstream, client_of):
    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "a\x00b"}}

    answer = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "arguments")
    assert upstream.calls == []


TWICE = [
    b'{"server": "upstream", "tool": "echo", "tool": "write_note", "arguments": {"text": "x"}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": "x", "text": "y"}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": "x", "\\u0074ext": "y"}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": "x"}, "arguments": {}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": NaN}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": 1e999}}',
    b'{"server": "upstream", "tool": "echo", "arguments": {"text": "\\ud800"}}',
]


@pytest.mark.parametrize("raw", TWICE, ids=range(len(TWICE)))
def test_what_two_readers_would_read_in_two_ways_is_refused(cast, upstream, client_of, raw):
    answer = client_of(cast.dev).post("/api/mcp/tools/call", raw, content_type="application/json")

    assert (answer.status_code, upstream.calls) == (400, [])
    assert not Entry.objects.filter(kind="call.calling").exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"text": "inbox/today"}, 200),
        ({"text": "inbox/../secret"}, 403),
        ({"text": "secret"}, 403),
        ({"text": "inbox/a", "TEXT": "secret"}, 403),
        ({"text": "inbox/a", "text ": "secret"}, 403),
        ({"text": ["inbox/a", "secret"]}, 403),
        ({"text": {"path": "inbox/a"}}, 403),
        ({"text": "inbox/a\nsecret"}, 403),
        ({"text": None}, 403),
    ],
)
def test_an_argument_rule_cannot_be_gone_around_over_rest(
    cast, upstream, client_of, arguments, status
):
    Tool.objects.filter(name="echo").update(input_schema=ANYTHING)
    condition = {"argument": "text", "allow": ["inbox/*"]}
    Rule.objects.create(kind=Rule.Kind.ARGUMENT, patterns=["echo"], condition=condition)
    access.publish("tests")
    body = {"server": "upstream", "tool": "echo", "arguments": arguments}

    answer = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert answer.status_code == status
    assert upstream.calls == ([("echo", arguments)] if status == 200 else [])


def test_an_argument_the_tool_does_not_declare_is_refused(cast, upstream, client_of):
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    Tool.objects.filter(name="echo").update(input_schema=schema)
    body = {"server": "upstream", "tool": "echo", "arguments": {"text": "x", "user_id": "ada"}}

    answer = client_of(cast.dev).post("/api/mcp/tools/call", body, format="json")

    assert (answer.status_code, upstream.calls) == (400, [])
