"""Who we say we are to an authorization server: when we register there, and in a document of ours.

A client ID metadata document (draft-ietf-oauth-client-id-metadata-document, MCP 2025-11-25) takes
the place of registering: the client's id is the address the document lies at, so whoever is shown
the id can read there who asks, and where the browser comes back to.
"""

from typing import Any
from urllib.parse import urlsplit

# How a client proves to be itself (RFC 6749, section 2.3).
BASIC, POST, PUBLIC = "client_secret_basic", "client_secret_post", "none"
Description = dict[str, Any]


def description(redirect_uri: str, *, method: str = BASIC) -> Description:
    """What we say of ourselves (RFC 7591, section 2); `method` is how we prove to be it."""
    return {
        "client_name": "OMNI2",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": method,
    }


def document(url: str, redirect_uri: str) -> Description:
    """The document that lies at `url`. There is no secret in it, and none that goes with it."""
    return {"client_id": url, **description(redirect_uri, method=PUBLIC)}


def can_be_an_id(url: str) -> bool:
    """Whether a client may be known by this address: https, with a path, and plain."""
    parts = urlsplit(url)
    is_plain = not (parts.fragment or parts.username or parts.query)
    return parts.scheme == "https" and parts.path not in ("", "/") and is_plain
