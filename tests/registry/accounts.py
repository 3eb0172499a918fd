"""People who connect their accounts at the protected server, for the registry's tests."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from audit.record import Who
from registry import connecting
from registry.connected import ConnectedAccount
from registry.connecting import Person, Return
from registry.credentials import seal
from registry.models import Server
from tests.fakes.authorization_server import Protected

BACK = "https://omni2.example/connections/crm/callback/"
DEV = Person(7, "dev@example.com", "session-of-dev")
EVE = Person(8, "eve@example.com", "session-of-eve")


def a_server(protected: Protected, *, kind: str = "oauth", **stored: str) -> Server:
    """The protected server, registered as `crm`."""
    sealed = seal({"authentication": {"type": kind, **stored}}) if stored else ""
    return Server.objects.create(
        name="crm",
        transport="http",
        url=protected.upstream.url,
        authentication=kind,
        sealed=sealed,
        timeout_seconds=10,
    )


def go(server: Server, person: Person = DEV, **change: Any) -> Return:
    """Send the person's browser there, have them say yes, and give what it comes back with."""
    way = connecting.begin(server, person, redirect_uri=BACK)
    answer = requests.get(way.url, allow_redirects=False, timeout=5)
    return returned(answer.headers["Location"], **change)


def returned(location: str, **change: Any) -> Return:
    """What stands in the address that a browser is sent back to."""
    found = dict(parse_qsl(urlsplit(location).query))
    values = {"state": found["state"], "code": found["code"], "issuer": found["iss"]}
    return Return(**values | change)


def connect(server: Server, person: Person = DEV) -> ConnectedAccount:
    """The person's account, connected."""
    return connecting.finish(server, person, go(server, person), who=Who(person=person.name))
