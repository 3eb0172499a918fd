"""Servers as a file describes them → rows. No YAML, no lines; the transaction is the caller's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry import connecting, documents, moving
from registry.credentials import seal, unseal
from registry.endpoints import endpoint_of
from registry.errors import CredentialUnreadable
from registry.mcp.endpoint import Endpoint
from registry.models import Server

# When one of them changes, what was known of the server's health is void.
_HEALTHY_THERE = moving.ADDRESS | {"authentication", "credentials"}


@dataclass(frozen=True)
class ServerSpec:
    """One server, whole: what is not given has the default of its column."""

    name: str
    transport: str
    display_name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    trust: str = "first_use"
    url: str = ""
    argv: tuple[str, ...] = ()
    cwd: str = ""
    authentication: str = "none"
    timeout_seconds: float = 30
    retry_attempts: int = 1
    retry_delay_seconds: float = 1
    connection_max_age_seconds: int = 0
    requests_per_minute: int = 0
    burst: int = 0
    concurrent_calls: int = 8
    tool_prefix: bool = True
    may_ask: tuple[str, ...] = ("elicitation",)
    argument_defaults: Mapping[str, Any] = field(default_factory=dict)
    # The name of the server that stands in for it; "" is none.
    fallback: str = ""
    # The OpenAPI document of a REST service: where it lies, or its text.
    document_url: str = ""
    document: str = field(default="", repr=False)
    # {"authentication": {...}, "env": {...}}, as `registry.credentials.seal` takes them.
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def columns(self) -> dict[str, Any]:
        """The values of the row's columns, credentials left out."""
        values = {name: getattr(self, name) for name in _COLUMNS}
        return values | {
            "tags": list(self.tags),
            "argv": list(self.argv),
            "may_ask": list(self.may_ask),
            "argument_defaults": dict(self.argument_defaults),
        }

    def sealed(self) -> str:
        """The credentials, encrypted anew: never twice the same text."""
        return seal({part: dict(values) for part, values in self.credentials.items()})


_APART = ("name", "credentials", "document_url", "document", "fallback")
_COLUMNS = tuple(name for name in ServerSpec.__dataclass_fields__ if name not in _APART)


@dataclass(frozen=True)
class Outcome:
    """What an import changed, in words, and which servers of the registry it did not name."""

    changes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def endpoint_of_spec(spec: ServerSpec) -> Endpoint:
    """Where calls would go. Raises `registry.errors.NotReady` where they could not go anywhere."""
    return endpoint_of(Server(name=spec.name, sealed=spec.sealed(), **spec.columns()))


def apply(servers: Sequence[ServerSpec], *, prune: bool = False) -> Outcome:
    """Make the rows say what `servers` say. Others are left alone, or disabled with `prune`."""
    changes: list[str] = []
    for spec in servers:
        changes += _apply_one(spec)
    # Only now: a server may be named before its own place in the file.
    for spec in servers:
        changes += _apply_fallback(spec)
    # What comes with OMNI2 stands in no file.
    others = Server.objects.exclude(transport=Server.Transport.INTERNAL)
    others = others.exclude(name__in=[spec.name for spec in servers])
    if prune:
        for server in others.filter(enabled=True):
            server.enabled = False
            server.save(update_fields=["enabled"])
            changes.append(f"server {server.name}: disabled, since the file does not name it")
    return Outcome(tuple(changes), tuple(others.values_list("name", flat=True)))


def create(spec: ServerSpec) -> Server:
    """The rows of a new server, for a caller who has checked it and is in a transaction."""
    server = Server.objects.create(name=spec.name, sealed=spec.sealed(), **spec.columns())
    documents.keep(server, spec.document_url, spec.document)
    return server


def _apply_one(spec: ServerSpec) -> list[str]:
    server = Server.objects.filter(name=spec.name).first()
    if server is None:
        create(spec)
        where = spec.url or " ".join(spec.argv)
        return [f"server {spec.name}: added ({spec.transport} {where})"]
    changed = {
        name: (getattr(server, name), value)
        for name, value in spec.columns().items()
        if getattr(server, name) != value
    }
    said = [f"server {spec.name}: {name} {old!r} → {new!r}" for name, (old, new) in changed.items()]
    values = {name: new for name, (_old, new) in changed.items()}
    if _stored_credentials(server) != {part: dict(v) for part, v in spec.credentials.items()}:
        values["sealed"] = spec.sealed()
        said.append(f"server {spec.name}: credentials changed")
    if _HEALTHY_THERE.intersection(changed) or "sealed" in values:
        values |= {"health": Server.Health.UNKNOWN, "last_error": ""}
        connecting.start_anew(server)
    if values:
        for name, value in values.items():
            setattr(server, name, value)
        server.save(update_fields=list(values))
    if documents.keep(server, spec.document_url, spec.document):
        said.append(f"server {spec.name}: its OpenAPI document changed")
        moving.described_anew(server)
    if moving.ADDRESS.intersection(changed) and (offered := moving.moved(server)):
        said.append(f"server {spec.name}: {offered} tools set aside until it is read there")
    return said


def _apply_fallback(spec: ServerSpec) -> list[str]:
    server = Server.objects.select_related("fallback").get(name=spec.name)
    before = server.fallback.name if server.fallback else ""
    if before == spec.fallback:
        return []
    server.fallback = Server.objects.get(name=spec.fallback) if spec.fallback else None
    server.save(update_fields=["fallback"])
    return [f"server {spec.name}: fallback {before!r} → {spec.fallback!r}"]


def _stored_credentials(server: Server) -> dict[str, Any] | None:
    try:
        return unseal(server.sealed)
    except CredentialUnreadable:
        return None
