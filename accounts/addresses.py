"""Where a request comes from, seen through the proxies we trust, and who may come in at all."""

import ipaddress
import re

from django.conf import settings

from audit import record
from audit.models import Entry
from audit.record import Who

# Of somebody of whom our own proxy does not say where they are: nobody's, so no list lets it in.
UNKNOWN = "0.0.0.0"
# As some proxies write it: with the client's port, IPv6 in brackets.
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def client_address(direct: str, forwarded_for: str) -> str:
    """The address that the outermost of our own proxies saw; without proxies, the connection's.

    Each proxy adds to the right of X-Forwarded-For whom it was called by; what stands further left
    than our own proxies wrote is the client's word, and counts for nothing. `UNKNOWN` where they
    wrote what is no address: the connection's own would be theirs.
    """
    proxies, direct = settings.TRUSTED_PROXIES, _canonical(direct) or direct
    if not proxies:
        return direct
    hops = [hop.strip() for hop in forwarded_for.split(",")]
    named = hops[-proxies] if len(hops) >= proxies else ""
    if not named:
        return direct
    with_port = _WITH_PORT.fullmatch(named)
    return _canonical((with_port[1] or with_port[2]) if with_port else named) or UNKNOWN


def _canonical(address: str) -> str:
    """The address in its one spelling, so that nobody is counted twice; "" for what is none.

    IPv4 where IPv6 only wraps it, as a socket for both has it; no zone, which says nothing of who.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)


def may_come_in(address: str) -> bool:
    """Whether one of the allowed addresses and networks is or holds this one; all are, unnamed."""
    if not settings.ALLOWED_IPS:
        return True
    known = _canonical(address)
    if not known:
        return False
    here = ipaddress.ip_address(known)
    return any(here in ipaddress.ip_network(one, strict=False) for one in settings.ALLOWED_IPS)


def note_refusal(address: str, method: str, *, path: str) -> None:
    """Put on the record that somebody came from where nobody may come from."""
    record.write(
        Entry.Kind.AUTH_REFUSED,
        Entry.Outcome.REFUSED,
        who=Who(address=address),
        error_code="address",
        detail={"reason": "address", "method": method, "path": path},
    )
