"""OMNI2 as the suite meets it: `python -m tests.conformance.endpoint FIXTURE_URL`.

The whole product in a folder of its own, the fixture server registered without a prefix, and one
person who may use it. The suite knows of no credentials, so the person's key is put into each
request on its way in; everything behind that is as it is in life. Prints its URL, serves until
killed.
"""

import os
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["OMNI2_INTERNAL_ADDRESSES"] = urlsplit(sys.argv[1]).netloc

import django

django.setup()

from django.core.management import call_command

from accounts import access
from accounts.models import ApiKey, Role, Rule, User
from omni2.asgi import application
from registry import discovery
from registry.models import Server
from tests.fakes.mcp_server import listen, running


def prepare(fixture_url: str) -> str:
    """Make the tables, the server and the person; the person's key."""
    call_command("migrate", verbosity=0)
    role = Role.objects.create(name="tester")
    person = User.objects.create_user("tester@example.com", role=role, allowed_mcps="*")
    Rule.objects.create(kind=Rule.Kind.ROLE, server="fixture", role="tester", mode="allow_all")
    access.publish("the conformance run")
    server = Server.objects.create(
        name="fixture",
        transport=Server.Transport.HTTP,
        url=fixture_url,
        trust=Server.Trust.ALWAYS,
        tool_prefix=False,
        may_ask=["elicitation", "sampling", "roots"],
    )
    discovery.sync(server)
    return ApiKey.issue(person, "conformance")[1]


def with_key(key: str) -> Any:
    """The product, with the person's key in each request."""

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            credential = (b"authorization", f"Bearer {key}".encode())
            scope = {**scope, "headers": [*scope["headers"], credential]}
        await application(scope, receive, send)

    return front


def main() -> None:
    listening = listen()
    with running(with_key(prepare(sys.argv[1])), listening):
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
