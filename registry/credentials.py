"""What makes a server believe us: encrypted at rest, resolved when used, kept out of all records.

The values of a server are `{"authentication": {"type", "api_key", "username", "password",
"header_name", "header_value", "client_id", "client_secret", "issuer", "scope"}, "env": {NAME:
value}}`. A value may name variables of the gateway's
environment as `${NAME}`; then the name is what is stored.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from audit import redact
from registry.errors import CredentialMissing, CredentialRefused, CredentialUnreadable
from registry.models import Server

DEFAULT_API_KEY_HEADER = "X-API-Key"
# The gateway's own secrets. Whoever edits the registry must not be able to have them sent away.
OWN_SECRETS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "DATABASE_URL",
        "OMNI2_EMAIL_URL",
        "OMNI2_ENCRYPTION_KEYS",
        "OMNI2_MODEL_EXTRA_HEADERS",
        "OMNI2_OIDC_CLIENT_SECRET",
        "OMNI2_SIEM_SIGNING_SECRET",
        "OMNI2_SIEM_TOKEN",
        "REDIS_URL",
        "SECRET_KEY",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    }
)
# Shorter values ("1", "debug") stand in every other sentence of the record.
SHORTEST_SECRET = 6

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VISIBLE = re.compile(r"[\x20-\x7e]+")
# The transport's own headers; a credential has no business in them.
_TRANSPORT_HEADERS = re.compile(
    r"host|content-.*|transfer-encoding|connection|upgrade|te|trailer|accept.*|expect|mcp-.*|last-event-id"
)


def seal(values: Mapping[str, Any]) -> str:
    """Encrypt a server's credentials for storing. No values give the empty text."""
    if not values:
        return ""
    return _cipher().encrypt(json.dumps(dict(values), sort_keys=True).encode()).decode()


def unseal(text: str) -> dict[str, Any]:
    """The credentials as they were sealed, references unresolved; {} for the empty text.

    Raises `CredentialUnreadable` when no current key opens it. The sealed text is never a value.
    """
    if not text:
        return {}
    try:
        values = json.loads(_cipher().decrypt(text.encode()))
    except (InvalidToken, ValueError) as error:
        raise CredentialUnreadable(
            "a stored credential cannot be decrypted",
            hint="Put the key it was written with into OMNI2_ENCRYPTION_KEYS, or enter it anew.",
        ) from error
    if not isinstance(values, dict):
        raise CredentialUnreadable("a stored credential is not in the form this version writes")
    return values


def reseal(text: str) -> str:
    """The same credentials, encrypted with the newest key. Raises `CredentialUnreadable`."""
    return seal(unseal(text))


def resolve(values: Any) -> Any:
    """The same values with each `${NAME}` replaced from the environment.

    Raises `CredentialMissing` naming a variable that is not set, and `CredentialRefused` for one
    that is a secret of the gateway itself.
    """
    if isinstance(values, str):
        return _REFERENCE.sub(_variable, values)
    if isinstance(values, Mapping):
        return {key: resolve(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [resolve(value) for value in values]
    return values


def headers_of(server: Server) -> dict[str, str]:
    """The headers that authenticate us to this server; built from the registry alone.

    None for a server that wants a token: those are `registry.tokens`.
    """
    if server.authentication == Server.Authentication.NONE or server.speaks_oauth:
        return {}
    stored = _stored(server, "authentication")
    name, value = _HEADERS[server.authentication](server, stored)
    remember(value)
    return {_header_name(server, name): _header_value(server, value)}


def check_credential(server: Server) -> None:
    """Raise `NotReady` where what is stored could not be sent like this."""
    if server.speaks_oauth:
        client_settings(server)
    else:
        headers_of(server)


def client_settings(server: Server) -> dict[str, str]:
    """For OAuth: `client_id`, `client_secret`, `issuer` and `scope`, as far as they are stored.

    Raises `CredentialMissing` where one needs another: a secret goes to the `issuer` that gave it
    and nowhere else, so that has to be known.
    """
    stored = _stored(server, "authentication")
    wanted = ("client_id", "client_secret", "issuer", "scope")
    found = {name: str(stored[name]).strip() for name in wanted if stored.get(name)}
    remember(found.get("client_secret", ""))
    own = server.authentication == Server.Authentication.CLIENT_CREDENTIALS
    for name in _CLIENT if own else _CLIENT[:2] if "client_secret" in found else ():
        if name not in found:
            raise CredentialMissing(f"server {server.name}: {name} is needed beside a client")
    return found


def environment_of(server: Server) -> dict[str, str]:
    """The variables that a stdio server gets beside the bare minimum."""
    environment = {str(name): str(value) for name, value in _stored(server, "env").items()}
    for value in environment.values():
        remember(value)
    return environment


def remember(secret: str) -> None:
    """Have a credential taken out of everything that is recorded from now on."""
    if len(secret) >= SHORTEST_SECRET:
        redact.remember(secret)


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def _variable(reference: re.Match[str]) -> str:
    name = reference.group(1)
    if name in OWN_SECRETS:
        raise CredentialRefused(
            f"{name} is a secret of the gateway itself and is not sent to any server",
            hint="Give the server's credential a variable of its own.",
        )
    try:
        return os.environ[name]
    except KeyError:
        raise CredentialMissing(
            f"the environment variable {name} is not set",
            hint=f"A stored credential refers to it as ${{{name}}}.",
        ) from None


def _stored(server: Server, part: str) -> dict[str, Any]:
    try:
        values = unseal(server.sealed).get(part)
        return resolve(values) if isinstance(values, Mapping) else {}
    except (CredentialUnreadable, CredentialMissing, CredentialRefused) as error:
        raise type(error)(f"server {server.name}: {error.message}", hint=error.hint) from error


def _field(server: Server, values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise CredentialMissing(
            f"server {server.name}: {name} is needed for {server.authentication} authentication",
            hint="Enter it on the server's page, or import it with the server.",
        )
    remember(value.strip())
    return value.strip()


def _bearer(server: Server, values: Mapping[str, Any]) -> tuple[str, str]:
    return "Authorization", f"Bearer {_field(server, values, 'api_key')}"


def _basic(server: Server, values: Mapping[str, Any]) -> tuple[str, str]:
    username = str(values.get("username") or "")
    pair = f"{username}:{_field(server, values, 'password')}"
    encoded = base64.b64encode(pair.encode()).decode()
    remember(encoded)
    return "Authorization", f"Basic {encoded}"


def _api_key(server: Server, values: Mapping[str, Any]) -> tuple[str, str]:
    return values.get("header_name") or DEFAULT_API_KEY_HEADER, _field(server, values, "api_key")


def _custom(server: Server, values: Mapping[str, Any]) -> tuple[str, str]:
    name = values.get("header_name")
    if not name:
        raise CredentialMissing(f"server {server.name}: a custom header needs its header_name")
    return name, _field(server, values, "header_value")


_CLIENT = ("client_id", "issuer", "client_secret")
_HEADERS: dict[str, Callable[[Server, Mapping[str, Any]], tuple[str, str]]] = {
    Server.Authentication.BEARER: _bearer,
    Server.Authentication.BASIC: _basic,
    Server.Authentication.API_KEY: _api_key,
    Server.Authentication.HEADER: _custom,
}


def _header_name(server: Server, name: object) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise CredentialRefused(f"server {server.name}: {ascii(name)} is not the name of a header")
    if _TRANSPORT_HEADERS.fullmatch(name.lower()):
        raise CredentialRefused(f"server {server.name}: the header {name} belongs to the transport")
    return name


def _header_value(server: Server, value: str) -> str:
    if not _VISIBLE.fullmatch(value):
        raise CredentialRefused(
            f"server {server.name}: its credential holds characters that no header may hold"
        )
    return value
