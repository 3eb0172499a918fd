"""What a server that answers 401 wants: its WWW-Authenticate and its metadata, read. Pure.

RFC 6750 and RFC 9728: a bearer challenge may name the metadata of the protected resource, and those
name who gives out tokens. Both are the server's own words: shown, and followed nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

LONGEST = 300
MOST = 5

_SCHEME = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s|$)")
_PARAMETER = re.compile(r'([A-Za-z_-]+)\s*=\s*(?:"([^"\\]*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """How a server wants to be convinced; what it did not say is empty."""

    scheme: str = ""
    realm: str = ""
    scope: str = ""
    metadata_url: str = ""
    authorization_servers: tuple[str, ...] = ()

    def told_by(self, metadata: object) -> "Challenge":
        """The same with what the protected resource's metadata say."""
        found = metadata if isinstance(metadata, Mapping) else {}
        return replace(
            self,
            authorization_servers=_texts(found.get("authorization_servers")),
            scope=self.scope or " ".join(_texts(found.get("scopes_supported"))),
        )


def read(header: str) -> Challenge:
    """The challenge in a WWW-Authenticate header, which may be empty or nonsense."""
    scheme = _SCHEME.match(header)
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header[:4000]):
        parameters.setdefault(name.lower(), (quoted or plain)[:LONGEST])
    return Challenge(
        scheme=scheme[1][:40] if scheme else "",
        realm=parameters.get("realm", ""),
        scope=parameters.get("scope", ""),
        metadata_url=parameters.get("resource_metadata", ""),
    )


def usual_metadata_url(url: str) -> str:
    """Where the metadata of a resource lie when nothing says so (RFC 9728, section 3.1)."""
    parts = urlsplit(url)
    path = "" if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}"


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(one[:LONGEST] for one in found if isinstance(one, str))[:MOST]
