"""What servers are asked for beside their tools, governed under names that no tool can have."""

import pytest

from accounts.policy import compile_policy
from registry import catalogue, discovery, schemas, verbs
from registry.calling import call
from registry.models import Server, Tool
from registry.naming import check_tool_name

pytestmark = pytest.mark.django_db


def test_no_tool_can_have_the_name_of_a_verb_and_every_pattern_can_name_it():
    assert [check_tool_name(name) is None for name in verbs.VERBS] == [False] * 3
    rules = {"servers": {"wiki": {"role_restrictions": {"r": {"allow_only": [*verbs.VERBS]}}}}}
    assert compile_policy(rules).digest


def test_a_verb_is_found_on_every_server_and_is_in_no_list_of_tools():
    Server.objects.create(name="wiki", transport="http")
    found = catalogue.find("wiki", verbs.RESOURCES)

    assert (str(found), found.pk, found.declares_read_only) == ("wiki/resources()", None, True)
    assert [str(one) for one in catalogue.verbs(verbs.PROMPTS)] == ["wiki/prompts()"]
    assert catalogue.find("nowhere", verbs.RESOURCES) is None
    assert catalogue.everything() == ()


@pytest.mark.parametrize(
    ("name", "arguments", "fits"),
    [
        (verbs.RESOURCES, {"uri": "test://x"}, True),
        (verbs.RESOURCES, {}, False),
        (verbs.RESOURCES, {"uri": "x", "more": 1}, False),
        (verbs.PROMPTS, {"name": "x", "arguments": {"a": "b"}}, True),
        (verbs.PROMPTS, {"name": 1}, False),
        (verbs.COMPLETIONS, {"ref": {}, "argument": {}}, True),
    ],
)
def test_what_a_verb_takes_is_checked_as_a_tool_s_arguments_are(name, arguments, fits):
    tool = verbs.as_tool(Server(name="wiki"), name)

    assert (schemas.validate(tool.input_schema, arguments) == []) is fits


@pytest.mark.django_db(transaction=True)
def test_a_verb_is_carried_out_as_a_call_is(fixture):
    tool = catalogue.find("fixture", verbs.RESOURCES)
    result = call(fixture, tool, {"uri": "test://static-text"})

    assert result["contents"][0]["text"] == "The content of the static text resource."


@pytest.mark.django_db(transaction=True)
def test_what_a_server_offers_beside_tools_is_read_with_them(fixture):
    kinds = {kind: len(listed) for kind, listed in fixture.offerings.items()}

    assert kinds == {"prompts": 5, "resources": 3, "resourceTemplates": 1}
    assert Tool.objects.filter(server=fixture).count() > 10
    Server.objects.update(offerings={})
    discovery.sync(fixture)
    assert len(Server.objects.get().offerings["prompts"]) == 5
