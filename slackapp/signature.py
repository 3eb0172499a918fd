"""Whether a request was signed by Slack, just now. Pure.

Stricter than the SDK's verifier, which raises on a timestamp that is no number and on a signature
that is not ASCII, and works on bytes, so that nothing unsigned is ever decoded or parsed.
Source: docs.slack.dev, "Verifying requests from Slack".
"""

import hashlib
import hmac
import re

MAX_AGE_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """The signature Slack puts on `body` at `timestamp` (seconds since 1970)."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def fault(body: bytes, *, timestamp: str, signature: str, secret: str, now: float) -> str:
    """Why the request is not to be believed, for the log; empty when it is good."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return "the timestamp is not a number"
    if not _SIGNATURE.fullmatch(signature):
        return "the signature has not the form of one"
    away = now - int(timestamp)
    if abs(away) > MAX_AGE_SECONDS:
        return f"signed {away:.0f} seconds ago by this machine's clock"
    if not hmac.compare_digest(sign(body, timestamp, secret), signature):
        return "the signature is not ours"
    return ""
