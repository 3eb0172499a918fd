"""`manage.py mcp_stdio`: the endpoint of one person over stdio."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from audit.models import Entry

REPOSITORY = Path(__file__).parents[2]


def environment(upstream):
    """The command's, with this run's database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    return os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "OMNI2_INTERNAL_ADDRESSES": upstream.address,
    }


@pytest.mark.deployed
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_client_that_starts_its_servers_itself_lists_and_calls(cast, upstream, mode):
    command = ["manage.py", "mcp_stdio", "--person", cast.dev.email]
    parameters = StdioServerParameters(
        command=sys.executable, args=command, cwd=REPOSITORY, env=environment(upstream)
    )

    async def work():
        async with Client(stdio_client(parameters), mode=mode) as client:
            tools = (await client.list_tools()).tools
            result = await client.call_tool("upstream__echo", {"text": "hello"})
            return [tool.name for tool in tools], result.content[0].text

    names, text = asyncio.run(work())

    assert ("upstream__echo" in names, "upstream__write_note" in names) == (True, False)
    assert (text, upstream.calls) == ("hello", [("echo", {"text": "hello"})])
    entry = Entry.objects.get(kind="call.called")
    assert (entry.person, entry.door) == ("dev@example.com", "mcp")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--person", "nobody@example.com"], "There is no person"),
        (["--person", "sue@example.com"], "may not act"),
        (["--person", "dev@example.com", "--server", "No Server"], "is not a server's name"),
        (["--person", "dev@example.com", "--server", "typo"], "There is no server typo."),
    ],
)
def test_whoever_cannot_be_served_is_told(cast, options, said):
    with pytest.raises(CommandError, match=said):
        call_command("mcp_stdio", *options)
