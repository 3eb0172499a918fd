"""Tools are found by exactly their names, and what is not there is not looked for anew."""

import pytest

from registry import catalogue
from registry.models import Server, Tool
from registry.verbs import VERBS

pytestmark = pytest.mark.django_db


@pytest.fixture
def tool():
    server = Server.objects.create(name="crm", transport="http", url="https://crm.example.com")
    return server.tools.create(name="get_a", qualified_name="crm__get_a", fingerprint="f")


def test_a_tool_is_found_by_exactly_its_names(tool):
    near = ["get_A", " get_a", "get_a\x00", "get_a\ud800", "get_%", "", "crm__get_a"]

    assert (catalogue.find("crm", "get_a"), catalogue.find_qualified("crm__get_a")) == (tool, tool)
    assert [catalogue.find("crm", name) for name in near] == [None] * len(near)
    assert [catalogue.find(server, "get_a") for server in ("CRM", "crm\x00", "")] == [None] * 3
    assert [catalogue.find_qualified(name) for name in ("get_a", "crm__get_a\x00")] == [None] * 2


def test_a_verb_is_found_at_each_server_and_at_no_other(tool):
    for verb in VERBS:
        assert catalogue.find("crm", verb).server == tool.server
        assert [catalogue.find(server, verb) for server in ("other", "crm\x00")] == [None] * 2


def test_whether_there_is_such_a_tool_costs_the_same_look(tool, django_assert_num_queries):
    catalogue.find("crm", "get_a"), catalogue.find_qualified("crm__get_a")

    for name in ("get_a", "no_such_tool", "get_a\x00"):
        with django_assert_num_queries(2):
            catalogue.find("crm", name), catalogue.find_qualified(f"crm__{name}")


def test_a_change_is_seen_at_the_next_look(tool):
    before = catalogue.find("crm", "get_a").description
    Tool.objects.update(description="changed")

    assert (before, catalogue.find("crm", "get_a").description) == ("", "changed")
    Server.objects.all().delete()
    assert (catalogue.find("crm", "get_a"), catalogue.everything()) == (None, ())
