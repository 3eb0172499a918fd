"""The server that OMNI2 has in itself: `omni2_analytics`, which tells what the record adds up to.

A server like any other to the policy, the record and the pages: it can be switched off, and its
tools are named by rules and grants. Only somebody who may view the record gets to them: a layer of
the policy that no rule passes says so (`Target.shows_record`), and the server asks again itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from audit import changes, record
from registry import discovery
from registry.analytics.tools import BY_NAME, TOOLS
from registry.importing import ServerSpec, create
from registry.mcp import internal
from registry.mcp.errors import Rejected
from registry.models import Server

NAME = "omni2_analytics"
_INVALID_REQUEST, _INVALID_PARAMS = -32600, -32602
_SPEC = ServerSpec(
    name=NAME,
    transport=Server.Transport.INTERNAL,
    display_name="OMNI2 analytics",
    description="What the record adds up to: cost, use, failures, refusals, people, servers.",
    tags=("omni2",),
    # Its tools are those of this version of OMNI2, which somebody installed.
    trust=Server.Trust.ALWAYS,
)


def bring(may_view: Callable[[int], bool]) -> None:
    """Have the server answer in this process, to whom `may_view` says yes, by their number."""

    def call(name: str, arguments: Mapping[str, Any], account: int | None) -> dict[str, Any]:
        if account is None or not may_view(account):
            raise Rejected(
                "Only somebody who may view the record is told this.", rpc_code=_INVALID_REQUEST
            )
        if name not in BY_NAME:
            raise Rejected("There is no such tool.", rpc_code=_INVALID_PARAMS)
        return BY_NAME[name].called(arguments)

    described = [one.described() for one in TOOLS]
    internal.bring(NAME, internal.InProcess(lambda: described, call, _SPEC.description))


def keep() -> None:
    """Have the server registered and its tools read; one of this name that is no part stays."""
    server = Server.objects.filter(name__iexact=NAME).first()
    if server is None:
        server = _register()
    if server and server.shows_record and server.takes_part and server.synced_at is None:
        discovery.sync(server)


def _register() -> Server | None:
    """The new row; None where another process was faster."""
    try:
        with transaction.atomic():
            server = create(_SPEC)
            changes.note(
                server, "added", who=record.NOBODY, facts={"server": NAME}, because="part of OMNI2"
            )
    except IntegrityError:
        return None
    return server
