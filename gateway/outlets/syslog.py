"""Lines to a syslog server: RFC 5424, by UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Syslog has no receipts. By TCP and TLS, sending has succeeded when the other side has read until our
end and closes its own, or has kept quiet for some seconds; by UDP nobody ever knows.
"""

import socket
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from gateway.outlets.place import Place
from registry.mcp import dialling, guard

# Security and authorization messages (RFC 5424, section 6.2.1).
FACILITY = 10
NOTICE, WARNING = 5, 4
SECONDS = 10.0
CLOSING_SECONDS = 3.0
# Larger datagrams are cut on the way, if they arrive at all.
LARGEST_DATAGRAM = 8192


def message(line: bytes, at: datetime, *, is_bad: bool) -> bytes:
    """One syslog message around a line of ASCII."""
    priority = FACILITY * 8 + (WARNING if is_bad else NOTICE)
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    host = urlsplit(settings.PUBLIC_URL).hostname or "-"
    return f"<{priority}>1 {moment} {host} omni2 - ocsf - ".encode() + line


def send(place: Place, messages: Iterable[bytes]) -> None:
    """Send all of them. Raises OSError where it is known that they did not arrive."""
    addresses = guard.addresses(
        place.host, place.port, settings.INTERNAL_ADDRESSES, resolver=guard.resolve
    )
    if place.transport == "udp":
        _by_datagrams(addresses[0], place.port, messages)
    else:
        _by_stream(place, addresses, messages)


def _by_datagrams(address: str, port: int, messages: Iterable[bytes]) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as plain:
        for one in messages:
            plain.sendto(one, (address, port))


def _by_stream(place: Place, addresses: list[str], messages: Iterable[bytes]) -> None:
    with _connect(place, addresses) as stream:
        stream.sendall(b"".join(b"%d %s" % (len(one), one) for one in messages))
        _close(stream)


def _connect(place: Place, addresses: list[str]) -> socket.socket:
    *first, last = addresses
    for address in first:
        try:
            plain = socket.create_connection((address, place.port), dialling.ATTEMPT_SECONDS)
            break
        except OSError:
            continue
    else:
        plain = socket.create_connection((last, place.port), SECONDS)
    plain.settimeout(SECONDS)
    if place.transport == "tcp":
        return plain
    return _context().wrap_socket(plain, server_hostname=place.host)


def _context() -> ssl.SSLContext:
    if settings.SIEM_CA_FILE:
        return ssl.create_default_context(cafile=settings.SIEM_CA_FILE)
    return dialling.ssl_context()


def _close(stream: Any) -> None:
    """Say that this was all, and see the other side take it to its end."""
    stream.settimeout(CLOSING_SECONDS)
    if not isinstance(stream, ssl.SSLSocket):
        stream.shutdown(socket.SHUT_WR)
    else:
        try:
            stream.unwrap()
        except (ssl.SSLError, TimeoutError):
            # Many close without a word of TLS; what was sent has been taken or refused by now.
            return
    try:
        while stream.recv(4096):
            pass
    except TimeoutError:
        return
