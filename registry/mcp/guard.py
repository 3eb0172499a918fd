"""The network guard: which addresses an upstream may be dialled at.

A name is resolved once, all of its addresses are checked, and a checked address is the one that is
dialled. Public addresses by https; anything else only where the operator listed "host:port".
"""

import functools
import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import idna

from registry.mcp.errors import GuardRefused

# (host, port) -> addresses as text; OSError where the name is unknown.
Resolver = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_URL = re.compile(r"(https?)://([^/?#@\\%\s]+)([/?][!\x22$-\[\]-~]*)?")
# The zone of an IPv6 address (RFC 4007): the network card of one machine, by its name there.
_ZONE = re.compile(r"https?://\[[^\]/?#]*%")
_NO_SCHEME = "A URL begins with https:// (or http:// for a listed address), in small letters."
_WITH_ZONE = "An IPv6 address with a zone (%) is never dialled."
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")

_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Global by the registry's letter, or inside ranges that operators do list, yet nobody's server:
# platforms and protocols live there.
_SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments, Oracle's metadata at 192.0.0.192 among them
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's wire server
        "100.100.100.200/32",  # metadata: Alibaba
        "2002::/16",  # 6to4: ends at the IPv4 address inside
        "2001::/32",  # Teredo: the same
        "fd00:ec2::/32",  # Amazon's services: metadata at ::254, credentials of pods at ::23
        "fd20:ce::254/128",  # metadata: Google
        "fd00:c1::a9fe:a9fe/128",  # metadata: Oracle
        "fd00:42::42/128",  # metadata: Scaleway
        "fd00:a9fe:a9fe::1/128",  # metadata: Akamai
        "fd00:100::100:200/128",  # metadata: Alibaba
    )
]


@dataclass(frozen=True)
class Origin:
    """Scheme, host (as `canonical_host` spells it) and port of a URL."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """As an operator lists it: host:port, IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """As a `Host` header names it: the address, without the port that goes without saying."""
        return self.address.removesuffix(":443" if self.scheme == "https" else ":80")


def check_url(
    url: str, internal_addresses: Collection[str], *, resolver: Resolver | None = None
) -> None:
    """Return if a server may be registered at this URL now; raise GuardRefused with the reason."""
    origin = parse_url(url)
    check_scheme(origin, internal_addresses)
    addresses(origin.host, origin.port, internal_addresses, resolver=resolver or resolve)


def parse_url(url: str) -> Origin:
    """The URL's origin, by stricter rules than any browser's. Raises GuardRefused."""
    found = _URL.fullmatch(url) if len(url) <= 2000 else None
    if found is None:
        if _ZONE.match(url):
            raise GuardRefused(_WITH_ZONE)
        if not url.startswith(("https://", "http://")):
            raise GuardRefused(_NO_SCHEME)
        raise GuardRefused(
            "Not a plain http(s) URL: no user name, white space, backslash or fragment is allowed."
        )
    scheme, authority, _ = found.groups()
    parts = _AUTHORITY.fullmatch(authority)
    port = int(parts[2] or (443 if scheme == "https" else 80)) if parts else 0
    if parts is None or port > 65535:
        raise GuardRefused("The URL's host or port is not valid; IPv6 is written [2001:db8::1].")
    return Origin(scheme, canonical_host(parts[1]), port)


def check_scheme(origin: Origin, internal_addresses: Collection[str]) -> None:
    """Refuse plain http to anything the operator did not list."""
    if origin.scheme != "https" and not is_listed(origin, internal_addresses):
        raise GuardRefused(f"Plain http is only for listed addresses; {origin.address} is not one.")


def addresses(
    host: str, port: int, internal_addresses: Collection[str], *, resolver: Resolver
) -> list[str]:
    """The addresses of a host, every one of them checked. Raises GuardRefused if one fails."""
    origin = Origin("", host, port)
    try:
        found = list(dict.fromkeys(resolver(host, port)))
    except (OSError, UnicodeError):
        raise GuardRefused(f"The name {host} cannot be resolved.") from None
    if not found:
        raise GuardRefused(f"The name {host} has no address.")
    listed = is_listed(origin, internal_addresses)
    for text in found:
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
        as_listed = listed and (text == host or _may_be_internal(address))
        if not (as_listed or _is_public(address)):
            raise GuardRefused(f"{origin.address} is not a public address, nor is it listed.")
    return found


def resolve(host: str, port: int) -> list[str]:
    """The system's answer for a host, in its order of preference."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(row[4][0]) for row in rows]


def canonical_host(text: str) -> str:
    """A URL's host in the one spelling it has here; raises GuardRefused where it is none.

    Lower case, ASCII, IPv6 as RFC 5952 has it, without brackets; IPv4 where IPv6 only wraps it.
    """
    if text.startswith("["):
        return _numbers(text[1:-1])
    name = text.lower()
    if not name.isascii():
        name = _punycode(name)
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise GuardRefused("The URL's host is not a valid name.")
    if _NUMERIC.fullmatch(labels[-1]):
        return _dotted_quad(name)
    return name


def _numbers(text: str) -> str:
    if "%" in text:
        raise GuardRefused(_WITH_ZONE)
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise GuardRefused("The URL's host is not a valid IPv6 address.") from None
    return str(address.ipv4_mapped or address)


def _punycode(name: str) -> str:
    # IDNA 2008 without mapping: look-alike dots, circled letters and the like are refused.
    try:
        return ".".join(idna.alabel(label).decode("ascii") for label in name.split("."))
    except idna.IDNAError:
        raise GuardRefused("The URL's host is not a valid international name.") from None


def _dotted_quad(name: str) -> str:
    # Python reads four plain decimals only; octal, hexadecimal and short forms are refused.
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        raise GuardRefused("The URL's host is an oddly written number.") from None


def is_listed(origin: Origin, internal_addresses: Collection[str]) -> bool:
    """Whether the operator listed this very host and port."""
    return origin.address in {listed_address(entry) for entry in internal_addresses}


@functools.cache
def listed_address(entry: str) -> str:
    """The `Origin.address` that an operator's entry means, however it is spelled; "" for none."""
    parts = _AUTHORITY.fullmatch(entry.strip())
    if parts is None or parts[2] is None:
        return ""
    try:
        return Origin("", canonical_host(parts[1]), int(parts[2])).address
    except GuardRefused:
        return ""


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 one: that is where the packet ends up."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not _is_special(address) and (address.version == 4 or address in _PUBLIC_V6)


def _may_be_internal(address: Address) -> bool:
    """Whether a listed *name* may lead here; link-local and metadata only if listed as numbers."""
    if address.is_loopback:
        return True
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return not (address.is_reserved or _is_special(address))


def _is_special(address: Address) -> bool:
    return any(address in network for network in _SPECIAL)
