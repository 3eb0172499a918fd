"""`manage.py demo`: the whole house with four real MCP servers, and three questions to prove it."""

import io
import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.models import ApiKey, User
from audit.models import Entry
from omni2.demo import samples
from omni2.demo.children import Children, DidNotStart
from omni2.demo.place import COMMAND_LINE, ROOT, Place
from omni2.demo.story import Asked, Told, questions
from omni2.management.commands.up import server_command, setup_link
from registry import own
from registry.mcp.client import connections
from registry.models import Server

PERSON = "dev@example.com"
KEY_NAME = "demo"


class Command(BaseCommand):
    help = "Show OMNI2 at work, on sample data in .demo (run it with: make demo)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End after the questions; 0 only if all were right."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if "OMNI2_DEMO_DIR" not in os.environ:
            raise CommandError("The demo needs its own settings. Run it with: make demo")
        signal.signal(signal.SIGTERM, _stop)
        place = Place(Path(os.environ["OMNI2_DEMO_DIR"]))
        try:
            with Children(place.logs) as children:
                self.prepare(place, children)
                wrong = self.ask_all(place)
                if not options["once"]:
                    self.show_addresses()
                    self.serve(children)
        except DidNotStart as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.say("\nStopped.")
            return
        if wrong:
            raise CommandError(f"{wrong} of the answers were not right.")
        self.say("\nAll answers were right.", self.style.SUCCESS)

    def prepare(self, place: Place, children: Children) -> None:
        """Sample data, tables, the example configuration, the servers, their tools."""
        self.say("Sample data: a shop's database, a workbook")
        samples.make_shop(place.shop)
        samples.make_workbook(place)
        children.start("spreadsheets", spreadsheets_command(place))
        self.say("Tables, and the example configuration in config/")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("import_config", str(ROOT / "config"), stdout=io.StringIO())
        host, port = _web_address()
        children.start("web", server_command(host, port))
        children.wait_for("spreadsheets", os.environ["OMNI2_DEMO_SPREADSHEETS_URL"])
        own.keep()
        self.say("Reading the tools of the MCP servers")
        call_command("sync_tools", stdout=io.StringIO())
        for server in Server.objects.enabled():
            self.say(f"  {server.name:<14}{server.tools.count():>3} tools   {server.transport}")
        children.wait_for("web", f"{settings.PUBLIC_URL}/api/health/live")

    def ask_all(self, place: Place) -> int:
        """Ask the three questions and show what came of each; how many answers were not right."""
        repository = Path(os.environ["OMNI2_DEMO_REPOSITORY"])
        verdicts = [self.ask(told) for told in questions(repository, place.shop)]
        # From here on the web server alone talks to the MCP servers.
        connections.close_all()
        return sum(1 for verdict in verdicts if verdict)

    def ask(self, told: Told) -> str:
        """Ask one question in the terminal; why the outcome is not right, or nothing."""
        self.say(f"\n$ {ask_command(told.question)}", self.style.MIGRATE_HEADING)
        printed, before = io.StringIO(), datetime.now(UTC)
        try:
            call_command("ask", told.question, "--as", PERSON, "--json", stdout=printed)
        except CommandError as error:
            self.say(f"  Not answered: {error}", self.style.ERROR)
            return str(error)
        asked = Asked(json.loads(printed.getvalue()), before, datetime.now(UTC))
        self.show(asked)
        verdict = told.verdict(asked)
        if verdict:
            self.say(f"  WRONG: {verdict}", self.style.ERROR)
        else:
            self.say(f"  Right, by {told.server}'s own word and by looking.", self.style.SUCCESS)
        return verdict

    def show(self, asked: Asked) -> None:
        """The answer, the calls it rests on, and what the record says."""
        self.say(asked.answer)
        for call in asked.result["calls"]:
            arguments = json.dumps(call["arguments"], ensure_ascii=False)
            took = f"{call['state']} in {call['milliseconds']} ms"
            self.say(f"  call    {call['server']}/{call['tool']} {arguments}: {took}")
        for entry in Entry.objects.filter(question=asked.result["id"]).order_by("pk"):
            tool = f" {entry.server}/{entry.tool}" if entry.tool else ""
            rule = f", {entry.effect} by {entry.layer}" if entry.effect else ""
            self.say(f"  record  {entry.at:%H:%M:%S} {entry.kind} {entry.outcome}{tool}{rule}")

    def show_addresses(self) -> None:
        """Where to go on, with a key and a link that work."""
        link, key = setup_link(), fresh_key()
        base = settings.PUBLIC_URL
        body = json.dumps({"question": "What time is it in Lisbon?", "wait": True})
        self.say(f"\n  Page       {base}/")
        self.say(
            f"  Admin      {base}/admin/" + (f"   first set a password: {link}" if link else "")
        )
        self.say(f"  API        {base}/api/docs")
        self.say(f"  API key    {key}   ({PERSON}; shown this once)")
        self.say(
            f"  Try        curl -s {base}/api/query -H 'Authorization: Bearer {key}'"
            f" -H 'Content-Type: application/json' -d '{body}'"
        )
        self.say(f"  Terminal   {ask_command('What time is it in Lisbon?')}")

    def serve(self, children: Children) -> None:
        """Until Ctrl-C, or until a server ends by itself."""
        self.say("\nServing until Ctrl-C.")
        while (name := children.ended()) is None:
            time.sleep(0.5)
        raise DidNotStart(f"The {name} server has ended; see .demo/logs/{name}.log")

    def say(self, text: str, style: Any = str) -> None:
        self.stdout.write(style(text))
        self.stdout.flush()


def spreadsheets_command(place: Place) -> list[str]:
    """The spreadsheet server, over streamable HTTP, for this machine and one folder only."""
    port = urlsplit(os.environ["OMNI2_DEMO_SPREADSHEETS_URL"]).port
    program = place.program("spreadsheets", "excel-mcp-server")
    options = ["--allow-dir", str(place.workbooks), "--host", "127.0.0.1", "--port", str(port)]
    return [program, "streamable-http", *options]


def ask_command(question: str) -> str:
    """What to paste to ask the demo at the command line, while it serves and afterwards."""
    return f'{COMMAND_LINE} ask "{question}" --as {PERSON}'


def fresh_key() -> str:
    """A new API key of the demo's person; those of earlier demos stop working."""
    person = User.objects.get(email=PERSON)
    for key in person.api_keys.filter(name=KEY_NAME, revoked_at=None):
        key.revoke()
    return ApiKey.issue(person, KEY_NAME)[1]


def _web_address() -> tuple[str, int]:
    address = urlsplit(settings.PUBLIC_URL)
    return address.hostname or "127.0.0.1", address.port or 8000


def _stop(_number: int, _frame: object) -> NoReturn:
    sys.exit(143)
