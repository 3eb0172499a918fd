"""`manage.py up`: bring the tables up to date and serve; all that a first start needs."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.models import SetupLink, User
from registry import own
from registry.mcp.guard import Origin

FIRST_ADMINISTRATOR = "admin@localhost"
# Each takes memory of its own; whoever has more to give says so.
MOST_PROCESSES = 4


class Command(BaseCommand):
    help = "Migrate, print the administrator's set-up link when nobody can log in yet, and serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--reload", action="store_true", help="Restart when the code changes.")
        parser.add_argument(
            "--admin",
            default=FIRST_ADMINISTRATOR,
            metavar="EMAIL",
            help="Who becomes administrator when there is none (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        own.keep()
        link = setup_link(options["admin"])
        if link:
            self.stdout.write(f"Set the administrator's password (once, within a day): {link}")
        where = address(options["host"], options["port"])
        self.stdout.write(f"Serving {settings.PUBLIC_URL} on {where}")
        self.stdout.flush()
        command = server_command(options["host"], options["port"], reload=options["reload"])
        # Takes this process's place: signals reach the server itself.
        os.execv(command[0], command)


def server_command(host: str, port: int, *, reload: bool = False) -> list[str]:
    """The command line of the web server.

    One process unless Redis connects several: embedded, live steps and limits are in its memory.
    Then as many as there are cores, up to four, or as WEB_CONCURRENCY says.
    """
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "asgi", "--no-control-socket"]
    command += ["--bind", address(host, port), "--graceful-timeout", "10", "--log-level", "warning"]
    if not settings.REDIS_URL:
        command += ["--workers", "1"]
    elif "WEB_CONCURRENCY" not in os.environ:
        command += ["--workers", str(min(MOST_PROCESSES, os.cpu_count() or 1))]
    if reload:
        command.append("--reload")
    return [*command, "omni2.asgi"]


def address(host: str, port: int) -> str:
    """Where is served, as gunicorn reads it: IPv6 in brackets."""
    return Origin("http", host.strip("[]"), port).address


def setup_link(first_administrator: str = FIRST_ADMINISTRATOR) -> str:
    """A one-time link for an administrator to set a password; empty when one already has.

    Where there is no administrator at all, `first_administrator` becomes one, without a password.
    """
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    # "!" begins a password that cannot be used.
    if administrators.exclude(password="").exclude(password__startswith="!").exists():
        return ""
    who = administrators.order_by("pk").first() or User.objects.create_superuser(
        first_administrator
    )
    return f"{settings.PUBLIC_URL}/setup/{SetupLink.issue(who)}"
