"""The kill switches by name, and from the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.errors import NotAllowed
from accounts.models import Role, User
from audit.models import Entry
from audit.record import Who
from gateway import switching
from gateway.errors import NotFound
from gateway.switching import Kind
from registry.models import Server, Tool
from tests.admin_pages import tool

pytestmark = pytest.mark.django_db

WHO = Who(person="x@example.com", door="cli")
NAMES = {
    Kind.PERSON: "dev@example.com",
    Kind.ROLE: "developer",
    Kind.SERVER: "shop",
    Kind.TOOL: "shop/a/b",
}


@pytest.fixture
def shop(cast) -> Server:
    server = Server.objects.create(name="shop", transport="http", url="https://8.8.8.8/mcp")
    tool(server, "a/b", state=Tool.State.OFFERED)
    return server


@pytest.mark.parametrize("kind", NAMES)
def test_each_is_switched_off_and_on_by_its_name(shop, kind):
    def all_off() -> list[tuple[str, str]]:
        return [one for one in switching.all_off() if one[1] != "sue@example.com"]

    assert switching.switch(kind, NAMES[kind], on=False, by=None, who=WHO) is True
    assert all_off() == [(kind, NAMES[kind])]
    assert switching.switch(kind, NAMES[kind], on=False, by=None, who=WHO) is False
    assert switching.switch(kind, NAMES[kind], on=True, by=None, who=WHO) is True
    assert all_off() == []


def test_a_server_or_tool_that_is_off_is_named_in_the_columns_of_its_entry(shop):
    for kind in (Kind.SERVER, Kind.TOOL):
        switching.switch(kind, NAMES[kind], on=False, by=None, who=WHO)

    entries = Entry.objects.order_by("pk")
    assert [(e.server, e.tool) for e in entries] == [("shop", ""), ("shop", "a/b")]


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("right", ["can_manage_users", "can_modify_config"])
def test_each_needs_its_right(shop, cast, kind, right):
    setattr(cast.guest.role, right, True)
    cast.guest.role.save()
    needed = "can_manage_users" if kind == Kind.PERSON else "can_modify_config"
    if right == needed:
        assert switching.switch(kind, NAMES[kind], on=False, by=cast.guest, who=WHO) is True
        return
    with pytest.raises(NotAllowed):
        switching.switch(kind, NAMES[kind], on=False, by=cast.guest, who=WHO)


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        (Kind.PERSON, "dav@example.com", " Did you mean dev@example.com?"),
        (Kind.TOOL, "shop", " Did you mean shop/a/b?"),
        (Kind.SERVER, "SHOP", ""),
        (Kind.ROLE, "a\x00b", ""),
    ],
)
def test_what_there_is_not_is_not_switched(shop, kind, name, hint):
    with pytest.raises(NotFound) as error:
        switching.switch(kind, name, on=False, by=None, who=WHO)

    assert str(error.value).endswith(f"called {name!r}.{hint}")


# --- The command ----------------------------------------------------------------------------------
def run(*words: str) -> str:
    out = StringIO()
    call_command("switch", *words, stdout=out)
    return out.getvalue()


def test_the_command_switches_lists_and_records_its_author(shop):
    said = run("off", "tool", "shop/a/b", "--reason", "leak", "--author", "oncall")
    assert said == "tool shop/a/b is off.\n"
    assert run("off", "tool", "shop/a/b") == "tool shop/a/b is already off.\n"
    assert run("list") == "person sue@example.com\ntool shop/a/b\n"
    assert run("on", "tool", "shop/a/b") == "tool shop/a/b is on.\n"

    first = Entry.objects.order_by("pk").first()
    assert (first.person, first.door, first.detail["reason"]) == ("oncall", "cli", "leak")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["off"], "Say what: person, role, server or tool, and its name."),
        (["off", "role"], "Say what: person, role, server or tool, and its name."),
        (["off", "role", "nobody"], "There is no role called 'nobody'."),
        (["off", "person", "ada@example.com"], "This is the last super admin"),
    ],
)
def test_the_command_says_what_is_wrong(shop, words, said):
    with pytest.raises(CommandError, match=said):
        run(*words)

    assert not Role.objects.exclude(switched_off_at=None).exists()
    assert User.objects.get(email="ada@example.com").may_act()
