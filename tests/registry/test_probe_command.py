"""`manage.py probe`: what it says, and that it registers only when asked to."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from registry.models import Server
from tests.fakes import bare_child

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("probe", *arguments, stdout=out, **options)
    return out.getvalue()


def test_what_is_found_is_said(fake, settings):
    settings.INTERNAL_ADDRESSES = [fake.address]
    said = run(fake.url, author="Grace")

    assert said.startswith(f"{fake.url}: streamable HTTP, 2026-07-28 (stateless)\n")
    assert "! It speaks plain http" in said
    assert "only reads" in said
    assert Server.objects.count() == 0
    assert {entry.person for entry in Entry.objects.all()} == {"Grace"}


def test_as_json(fake, settings):
    settings.INTERNAL_ADDRESSES = [fake.address]
    said = json.loads(run(fake.url, "--json"))

    assert (said["transport"], said["generation"]) == ("http", "stateless")
    assert len(said["tools"]) == len(fake.tools)


def test_what_is_found_is_registered_when_asked(fake, settings):
    settings.INTERNAL_ADDRESSES = [fake.address]
    said = run(fake.sse_url, "--register", "old")

    server = Server.objects.get()
    assert (server.name, server.transport, server.url) == ("old", "sse", fake.sse_url)
    assert said.endswith("Registered as old. Read its tools: manage.py sync_tools old\n")


def test_a_command_is_probed_and_registered(settings):
    settings.STDIO_COMMANDS = [list(bare_child.ARGV)]
    said = run("--command", " ".join(bare_child.ARGV), "--register", "child")

    assert "command (stdio), 2026-07-28 (stateless)" in said
    assert Server.objects.get().argv == list(bare_child.ARGV)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give a URL, or --command with a whole command."),
        (["https://8.8.8.8/", "--command", "x"], "Give a URL"),
        (["--command", "sh -c id"], "does not allow the command 'sh'"),
        (["http://127.0.0.1:9/mcp"], "OMNI2_INTERNAL_ADDRESSES"),
        (["https://8.8.8.8/", "--bearer", "NOT_SET_AT_ALL"], "NOT_SET_AT_ALL is not set"),
    ],
)
def test_what_is_wrong_is_said(arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert Server.objects.count() == 0
