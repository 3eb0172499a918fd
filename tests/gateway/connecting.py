"""A person who connects their account in a browser, for the tests of its pages and doors."""

import html
import re
from typing import Any
from urllib.parse import urlsplit

import requests

from registry.models import Server
from tests.fakes.authorization_server import Protected


def register(protected: Protected, name: str = "crm", **fields: Any) -> Server:
    """The protected server, where each person has an account of their own."""
    return Server.objects.create(
        name=name,
        transport="http",
        url=protected.upstream.url,
        authentication="oauth",
        timeout_seconds=10,
        **fields,
    )


def way_there(client: Any, name: str = "crm") -> str:
    """Press Connect; where the link on the page that answers leads."""
    page = client.post(f"/connections/{name}/connect/").content.decode()
    return html.unescape(re.search(r'class="button main wide" href="([^"]+)"', page)[1])


def way_back(there: str) -> str:
    """Say yes at the authorization server; the path and query it sends the browser back to."""
    found = requests.get(there, allow_redirects=False, timeout=5).headers["Location"]
    parts = urlsplit(found)
    return f"{parts.path}?{parts.query}"


def connect(client: Any, name: str = "crm") -> Any:
    """The whole way; what our own callback answers, and the page it leads to."""
    return client.get(way_back(way_there(client, name)), follow=True)
