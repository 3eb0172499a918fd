"""A look at what answers at an address or behind a command, before anything is registered.

    probe(Target(url="https://crm.example.com"), who=…) → Seen

Nothing of what is seen is stored; who looked where is on the record before the look. The address
goes by the same guard as every connection, the command by the deployment's list.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from audit import record
from audit.models import Entry
from audit.record import Who
from registry import advice, challenge, probed, services
from registry.errors import NotProbed, RegistryError
from registry.importing import ServerSpec, endpoint_of_spec
from registry.mcp.client import Listing, connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import (
    BadAnswer,
    GuardRefused,
    HttpRefused,
    Rejected,
    TimedOut,
    Unreachable,
    UpstreamError,
)
from registry.mcp.guard import check_url, parse_url
from registry.models import Server
from registry.probed import Seen
from registry.waiting import release_connection

# For the whole look, all tries included.
PROBE_SECONDS = 20.0
LEAST_SECONDS = 0.5
UNAUTHORIZED = 401
ANYTHING = "text/event-stream, application/json, */*;q=0.5"

Transport = Server.Transport


@dataclass(frozen=True)
class Target:
    """Where to look: an address or a whole command, and what to convince the server with.

    `authentication` and `credential` are as `registry.credentials` takes them; used, never stored.
    """

    url: str = ""
    argv: tuple[str, ...] = ()
    authentication: str = "none"
    credential: Mapping[str, str] = field(default_factory=dict, repr=False)

    def described(self) -> dict[str, Any]:
        """The target for the record: a query may hold a key, arguments of a command may as well."""
        if self.argv:
            return {"command": self.argv[0]}
        return {"url": self.url.partition("?")[0], "authentication": self.authentication}


def probe(target: Target, *, who: Who) -> Seen:
    """What is there. Raises `NotProbed` with what to do when nothing could be registered there, and
    `NotReady` for a command that is not allowed or a credential that cannot be sent."""
    _note(target, who, Entry.Outcome.PENDING)
    started = time.monotonic()
    try:
        seen = _Look(target).seen()
    except RegistryError as error:
        _note(target, who, Entry.Outcome.FAILED, code=error.code, message=error.message)
        raise
    seen = replace(seen, milliseconds=round((time.monotonic() - started) * 1000))
    _note(target, who, Entry.Outcome.OK, transport=seen.transport, tools=len(seen.tools))
    return seen


class _Look:
    """One look, with one deadline for all that it tries."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._end = time.monotonic() + PROBE_SECONDS
        # No server can have this name: its connections are nobody else's.
        self._name = f"probe {secrets.token_hex(8)}"

    def seen(self) -> Seen:
        release_connection()
        try:
            return self._command() if self.target.argv else self._address()
        finally:
            connections.close(self._name)

    def _command(self) -> Seen:
        try:
            return self._listed(Transport.STDIO, "")
        except UpstreamError as error:
            raise advice.command(error) from error

    def _address(self) -> Seen:
        first: RegistryError | None = None
        try:
            check_url(self.target.url, settings.INTERNAL_ADDRESSES)
            for url in _addresses(self.target.url):
                try:
                    return self._at(url)
                except RegistryError as error:
                    first = first or error
        except UpstreamError as error:
            # Where nobody answers, no other path helps.
            raise first or advice.failure(error) from error
        assert first is not None, "there is at least the address itself"
        raise first

    def _at(self, url: str) -> Seen:
        """What answers at one address: MCP over HTTP, the legacy transport, or neither."""
        try:
            return self._listed(Transport.HTTP, url)
        except (Unreachable, TimedOut):
            raise
        except UpstreamError as error:
            refused = error
        if isinstance(refused, HttpRefused) and refused.status == UNAUTHORIZED:
            return self._challenged(url, refused.www_authenticate)
        if isinstance(refused, Rejected) and refused.rpc_code < 0:
            raise advice.no_tools(refused)
        answer = self._fetch(url, ANYTHING)
        if answer.kind == "text/event-stream" and answer.status < 300:
            return self._listed(Transport.SSE, url)
        if answer.status == 200 and not answer.kind.endswith("html"):
            described = self._described(url, answer.body)
            if described is not None:
                return described
        raise advice.not_mcp(refused, answer)

    def _listed(self, transport: str, url: str) -> Seen:
        listing = connections.list_tools(self._endpoint(transport, url), timeout=self._left())
        return _judged(listing, transport, url=url, argv=self.target.argv)

    def _described(self, url: str, body: bytes) -> Seen | None:
        """The service that an OpenAPI document describes, if this is one."""
        from registry.openapi import errors, listing  # noqa: PLC0415  load the MCP SDK's types

        try:
            return services.seen(listing.described(body, document_url=url), url)
        except errors.NoDocument:
            return None
        except errors.UnusableDocument as error:
            raise NotProbed(
                f"An OpenAPI document lies there, but it cannot be used: {error}.",
                hint="Mend or convert the document; version 3.0 or 3.1 is read, JSON or YAML.",
            ) from None

    def _challenged(self, url: str, header: str) -> Seen:
        wanted = challenge.read(header)
        metadata_url = wanted.metadata_url or challenge.usual_metadata_url(url)
        metadata = self._metadata(url, metadata_url)
        if metadata:
            wanted = replace(wanted, metadata_url=metadata_url).told_by(metadata)
        is_legacy = url.rstrip("/").endswith("/sse")
        warnings = ["Its tools, and the transport for certain, show only with a credential."]
        if self.target.authentication != "none":
            warnings.insert(0, "It does not accept the credential it was sent.")
        return Seen(
            transport=Transport.SSE if is_legacy else Transport.HTTP,
            url=url,
            challenge=wanted,
            warnings=tuple(warnings),
            suggested_authentication="basic" if wanted.scheme.lower() == "basic" else "bearer",
            suggested_name=probed.suggested_name({}, url, ()),
        )

    def _metadata(self, url: str, metadata_url: str) -> object:
        """The protected resource's metadata, when they lie where the server itself is."""
        from registry.mcp import parsing  # noqa: PLC0415  loads the MCP SDK's types

        try:
            if parse_url(metadata_url) != parse_url(url):
                return None
            answer = self._fetch(metadata_url, "application/json", anonymous=True)
            return parsing.parse(answer.body) if answer.status == 200 else None
        except (GuardRefused, Unreachable, TimedOut, BadAnswer):
            return None

    def _fetch(self, url: str, accept: str, *, anonymous: bool = False) -> Any:
        endpoint = self._endpoint(Transport.HTTP, url, anonymous=anonymous)
        return connections.fetch(endpoint, accept=accept, timeout=self._left())

    def _endpoint(self, transport: str, url: str, *, anonymous: bool = False) -> Endpoint:
        target = self.target if not anonymous else Target(url)
        spec = ServerSpec(
            name=self._name,
            transport=transport,
            url=url,
            argv=target.argv,
            authentication=target.authentication,
            credentials={"authentication": target.credential} if target.credential else {},
        )
        return replace(endpoint_of_spec(spec), connect_timeout=self._left())

    def _left(self) -> float:
        return max(LEAST_SECONDS, self._end - time.monotonic())


def _addresses(url: str) -> Iterator[str]:
    """The address itself; for one without a path, also where MCP servers usually are."""
    yield url
    bare = url.rstrip("/")
    if bare.count("/") == 2 and "?" not in bare:
        yield f"{bare}/mcp"
        yield f"{bare}/sse"


def _judged(listing: Listing, transport: str, *, url: str, argv: tuple[str, ...]) -> Seen:
    tools = probed.tools_of(listing.tools, url=url)
    instructions = probed.shown(listing.instructions)
    warnings = probed.warnings_of(tools, url=url, instructions=instructions)
    if listing.skipped:
        warnings.append(f"Left out of its list, since they are no tools: {listing.skipped}.")
    return Seen(
        transport=transport,
        url=url,
        argv=argv,
        protocol_version=probed.shown(listing.protocol_version)[:32],
        server_info=probed.storable(listing.server_info),
        instructions=instructions,
        tools=tools,
        warnings=tuple(warnings),
        suggested_name=probed.suggested_name(listing.server_info, url, argv),
    )


def _note(target: Target, who: Who, outcome: Entry.Outcome, *, code: str = "", **seen: Any) -> None:
    record.write(
        Entry.Kind.REGISTRY_PROBED,
        outcome,
        who=who,
        error_code=code,
        detail={**target.described(), **seen},
    )
