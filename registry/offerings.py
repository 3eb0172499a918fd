"""What servers offer beside tools (prompts, resources, templates), and what MCP clients call it.

It is kept as it was listed at the last sync, without what no client could read. What the scanner
finds something in (orders to a model, hidden characters) is set aside until somebody accepts that
very form, or the server is trusted always. Nothing else is pinned: lists of resources are data that
comes and goes, and what a prompt or a resource holds is read from its server each time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.stamps import Kept
from registry import catalogue
from registry.fingerprint import fingerprint
from registry.models import Server
from registry.offers import storable
from registry.scanner import findings
from registry.verbs import PROMPTS, RESOURCES

SCHEME = "omni2://"
MOST_BYTES = 16_000
PROMPT, RESOURCE, TEMPLATE = "prompts", "resources", "resourceTemplates"
# By kind: what the thing is known by, what else it needs, and the verb that reads it.
KEYS = {PROMPT: "name", RESOURCE: "uri", TEMPLATE: "uriTemplate"}
NOUNS = {PROMPT: "prompt", RESOURCE: "resource", TEMPLATE: "template"}
VERB_OF = {PROMPT: PROMPTS, RESOURCE: RESOURCES, TEMPLATE: RESOURCES}
_TEXTS = ("name", "title", "description", "mimeType")

_kept = Kept("registry", size=10, of="prompts and resources for MCP clients")


@dataclass(frozen=True)
class Offering:
    """One prompt, resource or template of one server: `public` is its name at `/mcp`.

    `warnings` are what the scanner finds in a form that nobody has accepted.
    """

    server: Server
    kind: str
    key: str
    public: str
    definition: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Of this form, as a decision names it."""
        return fingerprint([self.kind, self.definition])


def cleaned(listed: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What a server lists, made fit to be stored and read by every client; each thing once."""
    return {kind: list(_usable(kind, listed.get(kind, ()))) for kind in KEYS}


def _usable(kind: str, listed: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    seen = set()
    for one in listed:
        found = storable(one)
        key = found.get(KEYS[kind])
        if isinstance(key, str) and key and key not in seen and _is_readable(found):
            seen.add(key)
            yield found


def _is_readable(found: Mapping[str, Any]) -> bool:
    """Whether the SDK of a client would take it: one that it would not spoils the whole list."""
    if not isinstance(found.get("name"), str) or len(repr(found)) > MOST_BYTES:
        return False
    if not all(isinstance(found.get(field, ""), str) for field in _TEXTS):
        return False
    arguments = found.get("arguments", [])
    return isinstance(arguments, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("required", False), bool)
        for one in arguments
    )


def everything(kind: str) -> tuple[Offering, ...]:
    """All of one kind that is offered, in the order of servers, under the names clients know."""
    return tuple(one for one in _all(kind) if not one.warnings)


def set_aside(server: str) -> tuple[Offering, ...]:
    """What this server lists and nobody is offered, for somebody to decide on."""
    return tuple(
        one for kind in KEYS for one in _all(kind) if one.warnings and one.server.name == server
    )


def is_set_aside(kind: str, server: str, key: str) -> bool:
    """Whether nobody may have this of the server, whatever name they know it by."""
    return any(one.key == key and one.kind == kind for one in set_aside(server))


def warnings_of(server: Server, kind: str, definition: Mapping[str, Any]) -> tuple[str, ...]:
    """What looks suspicious in this form, its name and address included; () where it may be so."""
    if server.trust == Server.Trust.ALWAYS:
        return ()
    servers = catalogue.other_servers(server.name)
    found = findings({"listed": definition}, servers=servers)
    is_accepted = found and fingerprint([kind, definition]) in server.accepted_offerings
    return () if is_accepted else tuple(found)


def _all(kind: str) -> tuple[Offering, ...]:
    return _kept.get(kind, lambda: _named(kind))


def _named(kind: str) -> tuple[Offering, ...]:
    found = [
        (server, one[KEYS[kind]], one)
        for server in Server.objects.order_by("name")
        for one in server.offerings.get(kind, ())
    ]
    plain = Counter(key for server, key, _ in found if not server.tool_prefix)
    return tuple(
        Offering(
            server,
            kind,
            key,
            _public(kind, server, key, alone=plain[key] == 1),
            one,
            warnings_of(server, kind, one),
        )
        for server, key, one in found
    )


def _public(kind: str, server: Server, key: str, *, alone: bool) -> str:
    if not server.tool_prefix and alone:
        return key
    return f"{server.name}__{key}" if kind == PROMPT else prefixed_uri(server.name, key)


def prefixed_uri(server: str, uri: str) -> str:
    """The URI by which clients know what `server` knows by `uri`."""
    return f"{SCHEME}{server}/{uri}"


def split_uri(uri: str) -> tuple[str, str] | None:
    """The server and its own URI in a prefixed one; None for any other."""
    if not uri.startswith(SCHEME):
        return None
    server, slash, own = uri[len(SCHEME) :].partition("/")
    return (server, own) if slash and own else None
