"""A message to a URL, signed as Standard Webhooks has it (standardwebhooks.com, version 1).

`webhook-id` is the same however often a message is tried, `webhook-timestamp` is the second of this
try, `webhook-signature` the HMAC-SHA256 over both and the body with the destination's secret.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping

from gateway.models.alerts import Destination, Notice
from registry import credentials, outgoing
from registry.errors import CredentialMissing

PREFIX = "whsec_"
SECRET_BYTES = 32


class NotTaken(Exception):
    """The other side did not take a message; says why, in a few words."""


def new_secret(destination: Destination) -> str:
    """Give the destination another secret, not yet saved; the only time that it is shown."""
    secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    destination.sealed = credentials.seal({"secret": secret})
    credentials.remember(secret)
    return secret


def send(notice: Notice) -> None:
    """POST the message once. Raises NotTaken for any answer but a 2xx, and UpstreamError."""
    body = json.dumps(notice.message, ensure_ascii=True).encode()
    headers = {
        "content-type": "application/json",
        **signed(body, id=str(notice.pk), secret=_secret(notice.destination)),
    }
    status = outgoing.post(notice.destination.url, body, headers)
    if not 200 <= status < 300:
        raise NotTaken(f"It answered {status}.")


def signed(body: bytes, *, id: str, secret: str, at: int | None = None) -> Mapping[str, str]:
    """The three headers that let the other side tell that this is ours, and fresh."""
    moment = str(int(time.time()) if at is None else at)
    digest = hmac.digest(key_of(secret), f"{id}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for. Raises ValueError for what is no base64."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _secret(destination: Destination) -> str:
    secret = str(credentials.unseal(destination.sealed).get("secret", ""))
    if not secret:
        raise CredentialMissing(f"destination {destination}: it has no secret to sign with")
    credentials.remember(secret)
    return secret
