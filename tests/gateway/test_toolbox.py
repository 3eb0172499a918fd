"""What is offered is what may be called; what the gateway fills in, the model does not see."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import access
from accounts.models import Rule
from gateway import calls, errors, toolbox
from gateway.models import Door
from registry.models import Server, Tool

pytestmark = pytest.mark.django_db

ARGUMENTS = {
    "echo": {"text": "x"},
    "add": {"a": 1, "b": 2},
    "slow": {"seconds": 0},
    "big": {"characters": 1},
    "write_note": {"text": "x"},
}


def effect_of_calling(asker, tool):
    """What comes of a call with arguments that fit: called, refused or to be approved."""
    wish = calls.Wish(asker, Door.CLI, tool.server.name, tool.name, ARGUMENTS.get(tool.name, {}))
    try:
        return calls.call(wish).state in ("done", "failed")
    except errors.NeedsApproval:
        return True
    except errors.Refused:
        return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("person", ["ada", "dev", "guest", "sue"])
@pytest.mark.parametrize("confirm", [[], ["add", "delete_*"]])
def test_listing_and_calling_say_the_same_of_every_tool(cast, upstream, person, confirm):
    Rule.objects.create(kind=Rule.Kind.CONFIRM, patterns=confirm)
    access.publish("tests")
    Tool.objects.filter(name="big").update(state=Tool.State.QUARANTINED)
    asker = cast.asker(getattr(cast, person))

    box = toolbox.open_for(asker)

    offered = {spec.tool: True for spec in box.offered}
    withheld = {one.tool.name: False for one in box.withheld}
    assert offered | withheld == {
        tool.name: effect_of_calling(asker, tool) for tool in Tool.objects.select_related("server")
    }
    assert not offered.keys() & withheld.keys()


def test_the_cast_differ_in_what_they_are_offered(cast, upstream):
    """So that the test above could fail."""
    found = {
        user.name: len(toolbox.open_for(cast.asker(user)).offered)
        for user in (cast.ada, cast.dev, cast.guest, cast.sue)
    }

    assert found == {"Ada": 9, "Dev": 7, "Guest": 0, "Sue": 0}


@pytest.mark.parametrize("state", [Tool.State.QUARANTINED, Tool.State.GONE])
def test_what_is_set_aside_or_gone_is_offered_to_nobody(cast, upstream, state):
    Tool.objects.update(state=state)

    box = toolbox.open_for(cast.asker(cast.ada))

    assert (len(box.offered), {bool(one.decision.reason) for one in box.withheld}) == (0, {True})


def test_one_servers_tools_are_those_alone_always_in_the_same_order(cast, upstream):
    other = Server.objects.create(name="other", transport=Server.Transport.STDIO)
    other.tools.create(name="a", qualified_name="other__a", fingerprint="f")
    asker = cast.asker(cast.ada)

    everything = [spec.name for spec in toolbox.open_for(asker).offered]

    assert [spec.name for spec in toolbox.open_for(asker, server="other").offered] == ["other__a"]
    assert everything == sorted(everything) and everything[0] == "other__a"
    assert toolbox.open_for(asker, server="nowhere").offered == ()


SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "more": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("defaults", "properties", "required"),
    [
        ({}, ["text", "more"], ["text"]),
        ({"text": "x"}, ["more"], []),
        ({"more": "x"}, ["text"], ["text"]),
        ({"text": "x", "more": "y", "elsewhere": "z"}, [], []),
    ],
)
def test_what_the_gateway_fills_in_is_not_in_the_schema_a_model_sees(
    cast, defaults, properties, required
):
    server = Server(name="s", argument_defaults=defaults)
    tool = Tool(server=server, name="t", qualified_name="s__t", input_schema=SCHEMA)

    seen = toolbox.spec_of(tool, access.current()[0]).input_schema

    assert (list(seen["properties"]), seen["required"]) == (properties, required)
    assert seen["additionalProperties"] is False
    assert list(SCHEMA["properties"]) == ["text", "more"], "the stored schema is as it was"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("given", "sent"),
    [({}, {"text": "filled"}), ({"text": "given"}, {"text": "given"})],
)
def test_defaults_are_sent_where_none_was_given_and_stand_on_the_row(cast, upstream, given, sent):
    Server.objects.update(argument_defaults={"text": "filled", "a": 5})

    row = calls.call(calls.Wish(cast.asker(cast.dev), Door.CLI, "upstream", "echo", given))

    assert upstream.calls == [("echo", sent)]
    assert (row.arguments, row.text) == (sent, sent["text"])


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"description": "d", "title": "t"}, "d"),
        ({"title": "t"}, "t"),
        ({}, "name"),
    ],
)
def test_a_tool_is_always_described(cast, fields, description):
    tool = Tool(server=Server(name="s"), name="name", qualified_name="s__name", **fields)

    assert toolbox.spec_of(tool, access.current()[0]).description == description


@pytest.mark.parametrize(
    ("name", "annotations", "read_only", "by"),
    [
        ("get_a", {"readOnlyHint": True}, True, "server"),
        ("get_a", {"readOnlyHint": "yes"}, False, ""),
        ("get_a", {}, False, ""),
        ("peek_a", {}, True, "policy"),
        ("peek_a", {"readOnlyHint": True}, True, "server"),
    ],
)
def test_read_only_is_the_servers_word_or_the_administrators(
    cast, name, annotations, read_only, by
):
    Rule.objects.create(kind=Rule.Kind.GROUP, name="read_only_safe", patterns=["peek_*"])
    access.publish("tests")
    tool = Tool(server=Server(name="s"), name=name, qualified_name="x", annotations=annotations)

    spec = toolbox.spec_of(tool, access.current()[0])
    assert (spec.read_only, spec.read_only_by) == (read_only, by)


def test_a_grant_that_ends_takes_its_tools_along_though_no_row_has_changed(
    cast, upstream, monkeypatch
):
    until = timezone.now() + timedelta(hours=1)
    cast.guest.grants.create(server="upstream", tools=["echo"], expires_at=until)
    asker = cast.asker(cast.guest)

    def offered():
        return [spec.tool for spec in toolbox.open_for(asker).offered]

    before = offered()
    with monkeypatch.context() as later:
        later.setattr(timezone, "now", lambda: until + timedelta(seconds=1))
        after = offered()

    assert (before, after, offered()) == (["echo"], [], ["echo"])


def test_a_list_is_worked_out_once_and_anew_when_anything_changes(cast, upstream):
    asker = cast.asker(cast.dev)
    toolbox.open_for(asker)

    with CaptureQueriesContext(connection) as again:
        toolbox.open_for(asker)
    Tool.objects.filter(name="echo").update(state=Tool.State.QUARANTINED)

    assert {"audit_stamp" in query["sql"] for query in again} == {True}
    assert "echo" not in [spec.tool for spec in toolbox.open_for(asker).offered]
