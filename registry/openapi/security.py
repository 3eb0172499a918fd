"""Which credential a document says that its service wants, in the registry's terms."""

from typing import NamedTuple

from registry.openapi.document import Document, Part

_OF_HTTP = {"bearer": "bearer", "basic": "basic"}


class Wanted(NamedTuple):
    """One way to convince a service: `kind` as a server's authentication, "" for one not known."""

    kind: str
    said: str
    header: str = ""


def wanted(document: Document) -> list[Wanted]:
    """What the document's security schemes ask for, what can be sent first."""
    components = document.root.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    found = [
        _wanted(name, scheme)
        for name, scheme in (schemes.items() if isinstance(schemes, dict) else ())
        if isinstance(scheme, dict)
    ]
    return sorted(found, key=lambda one: not one.kind)


def _wanted(name: str, scheme: Part) -> Wanted:
    said, kind = ascii(name)[1:-1][:60], scheme.get("type")
    if kind == "http":
        how = str(scheme.get("scheme", "")).lower()
        return Wanted(_OF_HTTP.get(how, ""), f"{said} (http {ascii(how)[1:-1][:20]})")
    if kind == "apiKey" and scheme.get("in") == "header":
        header = str(scheme.get("name", ""))[:100]
        return Wanted("api_key", f"{said} (a key in the header {ascii(header)})", header)
    if kind in ("oauth2", "openIdConnect"):
        return Wanted("bearer", f"{said} (a token, {kind})")
    return Wanted("", f"{said} (not one that can be sent)")
