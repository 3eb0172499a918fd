"""From a server's row to where, and with what, it is reached."""

import re
from dataclasses import replace
from typing import Literal

from django.conf import settings

from registry import tokens
from registry.connected import NOBODY
from registry.credentials import client_settings, environment_of, headers_of
from registry.errors import CommandNotAllowed, CredentialRefused, SwitchedOff
from registry.mcp.endpoint import Endpoint
from registry.models import Document, Server

_TRANSPORTS: dict[str, Literal["http", "sse", "openapi", "internal"]] = {
    Server.Transport.HTTP: "http",
    Server.Transport.SSE: "sse",
    Server.Transport.OPENAPI: "openapi",
    Server.Transport.INTERNAL: "internal",
}
# Variables with which a listed command can be made to run something else.
_STEERING = re.compile(
    r"PATH|IFS|ENV|BASH_ENV|SHELL|SHELLOPTS|LD_.*|DYLD_.*|PYTHON(?!UNBUFFERED$|IOENCODING$|UTF8$).*"
    r"|NODE_(?!ENV$).*|NPM_CONFIG_.*|GIT_.*|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS"
)


def endpoint_for(server: Server, person: int) -> Endpoint:
    """Where this server is, with the credential that calls of this person are made with.

    Where each person has an account of their own, or the gateway has one, a token may be fetched
    first. Raises what `endpoint_of` does, and what `tokens.token_of` does.
    """
    if server.transport == Server.Transport.INTERNAL:
        return replace(endpoint_of(server), account=person)
    if not server.speaks_oauth:
        return endpoint_of(server)
    account = person if server.authentication == Server.Authentication.OAUTH else NOBODY
    return with_token(server, account, tokens.token_of(server, account))


def with_token(server: Server, account: int, token: str) -> Endpoint:
    """Where this server is, as it is spoken to with a token of this account."""
    headers = {"Authorization": f"Bearer {token}"}
    return replace(endpoint_of(server), headers=headers, account=account)


def endpoint_to_list(server: Server) -> Endpoint:
    """Where this server is, with the credential that its tools are listed and it is checked with.

    Raises `SwitchedOff`, before a token is fetched, where nobody is to reach it.
    Where each person has an account of their own, it is that of whoever connected first; before
    anybody has, there is none, and the server may say no.
    """
    require_on(server)
    person = tokens.listing_person(server)
    return endpoint_of(server) if person is None else endpoint_for(server, person)


def require_on(server: Server) -> None:
    """Raise `SwitchedOff` for a server that does not take part, and say what would let it."""
    if server.is_off:
        raise SwitchedOff(f"{server.name} is switched off: nobody reaches it. Switch it on first.")
    if not server.enabled:
        raise SwitchedOff(f"{server.name} is disabled: nobody reaches it. Enable it first.")


def with_document(server: Server, endpoint: Endpoint) -> Endpoint:
    """The endpoint with the OpenAPI document that tells the tools of a REST service."""
    if server.transport != Server.Transport.OPENAPI:
        return endpoint
    document = getattr(server, "document", None) or Document()
    return replace(endpoint, document_url=document.url, document=document.text)


def endpoint_of(server: Server) -> Endpoint:
    """Where this server is, stored credentials resolved, without any token. Asks nobody.

    Raises `NotReady`: a command that is not allowed, a credential that is missing or unreadable.
    """
    if server.transport == Server.Transport.STDIO:
        return _command(server)
    if server.speaks_oauth:
        client_settings(server)
    return Endpoint(
        name=server.name,
        transport=_TRANSPORTS[server.transport],
        url=server.url,
        headers=headers_of(server),
        connect_timeout=settings.MCP_CONNECT_TIMEOUT,
        call_timeout=server.timeout_seconds,
        internal_addresses=frozenset(settings.INTERNAL_ADDRESSES),
        max_age_seconds=server.connection_max_age_seconds,
        generation_hint=server.protocol_version,
        answers_forms=server.answers_forms,
    )


def _command(server: Server) -> Endpoint:
    check_command(server.argv)
    return Endpoint(
        name=server.name,
        transport="stdio",
        argv=tuple(server.argv),
        env=_environment(server),
        cwd=server.cwd or None,
        idle_seconds=settings.STDIO_IDLE_SECONDS,
        most_children=settings.STDIO_MOST,
        connect_timeout=settings.MCP_CONNECT_TIMEOUT,
        call_timeout=server.timeout_seconds,
        max_age_seconds=server.connection_max_age_seconds,
        generation_hint=server.protocol_version,
        answers_forms=server.answers_forms,
    )


def check_command(argv: object) -> None:
    """Raise `CommandNotAllowed` unless `argv` is, word for word, in the deployment's list."""
    if isinstance(argv, list | tuple) and argv and list(argv) in settings.STDIO_COMMANDS:
        return
    # The program only: arguments may hold what nobody who asks a question should read.
    program = argv[0] if isinstance(argv, list | tuple) and argv else argv
    raise CommandNotAllowed(
        f"this deployment does not allow the command {ascii(program)} with these arguments",
        hint="Whoever runs the deployment lists whole commands in OMNI2_STDIO_COMMANDS, "
        'for example [["mcp-server-time", "--local-timezone", "UTC"]].',
    )


def _environment(server: Server) -> dict[str, str]:
    environment = environment_of(server)
    for name in environment:
        if _STEERING.fullmatch(name.upper()):
            raise CredentialRefused(
                f"server {server.name}: the variable {name} could turn its command into another",
                hint="Set it in a wrapper script that OMNI2_STDIO_COMMANDS lists instead.",
            )
    return environment
