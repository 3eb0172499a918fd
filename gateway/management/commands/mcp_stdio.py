"""`manage.py mcp_stdio --person EMAIL`: the MCP endpoint over standard input and output."""

import asyncio
import os
import sys
from argparse import ArgumentParser
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from accounts.auth import Arrival
from gateway.management.commands.ask import asker_named
from gateway.mcp_endpoint.caller import ONLY, Caller
from registry.models import Server
from registry.naming import check_server_name


class Command(BaseCommand):
    help = (
        "Serve the MCP endpoint of one person over stdio, for a client that starts its servers"
        " itself. Whoever may run this may act for anybody: it is recorded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--person", required=True, metavar="EMAIL", help="Whom to act for.")
        parser.add_argument("--server", default="", help="One server alone, under its own names.")

    def handle(self, *args: Any, **options: Any) -> None:
        person = asker_named(options["person"]).user
        if not person.may_act():
            raise CommandError(f"{person.email} may not act now.")
        if options["server"] and (fault := check_server_name(options["server"])):
            raise CommandError(fault)
        if options["server"] and not Server.objects.filter(name=options["server"]).exists():
            raise CommandError(f"There is no server {options['server']}.")
        ONLY.set(Caller.with_token(person, Arrival(), server=options["server"]))
        asyncio.run(_serve(_standard_output()))


def _standard_output() -> TextIO:
    """The real standard output, for the protocol alone: whatever else is printed goes to stderr."""
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return protocol


async def _serve(output: TextIO) -> None:
    # The MCP SDK takes a second to load, and this command alone needs it.
    import anyio  # noqa: PLC0415
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    from gateway.mcp_endpoint.server import build  # noqa: PLC0415

    server = build()
    async with stdio_server(stdout=anyio.wrap_file(output)) as (read, write):
        await server.run(read, write, server.create_initialization_options())
