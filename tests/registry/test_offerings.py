"""Prompts, resources and templates as they are kept, and what clients call them."""

import pytest

from registry import offerings
from registry.models import Server
from registry.offerings import PROMPT, RESOURCE, TEMPLATE


def test_only_what_every_client_can_read_is_kept():
    prompts = [
        {"name": "good", "arguments": [{"name": "a", "required": True}]},
        {"name": "good", "description": "the same again"},
        {"name": "\0"},
        {"name": ""},
        {"name": 7},
        {"title": "nameless"},
        {"name": "odd", "description": 7},
        {"name": "odd", "arguments": "a"},
        {"name": "odd", "arguments": [{"name": 7}]},
        {"name": "odd", "arguments": [{"name": "a", "required": "yes"}]},
        {"name": "long", "description": "x" * 20_000},
    ]
    resources = [{"uri": "a://b", "name": "b"}, {"uri": "a://c"}, {"name": "d"}]
    kept = offerings.cleaned({"prompts": prompts, "resources": resources, "other": [{}]})

    assert kept == {
        "prompts": [prompts[0], {"name": "\ufffd"}],
        "resources": [resources[0]],
        "resourceTemplates": [],
    }


@pytest.mark.django_db
def test_names_and_addresses_say_whose_they_are_unless_their_server_asks_for_none():
    for name, prefix in (("crm", True), ("docs", False), ("wiki", False)):
        Server.objects.create(
            name=name,
            transport="http",
            tool_prefix=prefix,
            offerings={
                PROMPT: [{"name": "ask"}, {"name": f"of-{name}"}],
                RESOURCE: [{"uri": f"{name}://home", "name": "home"}],
            },
        )

    assert [one.public for one in offerings.everything(PROMPT)] == [
        "crm__ask", "crm__of-crm", "docs__ask", "of-docs", "wiki__ask", "of-wiki"
    ]  # fmt: skip
    assert [one.public for one in offerings.everything(RESOURCE)] == [
        "omni2://crm/crm://home", "docs://home", "wiki://home"
    ]  # fmt: skip
    assert offerings.everything(TEMPLATE) == ()


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("omni2://crm/file:///a/b", ("crm", "file:///a/b")),
        ("omni2://crm/", None),
        ("omni2://crm", None),
        ("file:///a", None),
    ],
)
def test_a_prefixed_address_is_taken_apart(uri, parts):
    assert offerings.split_uri(uri) == parts
