"""A server is removed: with all that is only about it, and on the record.

Its tools, checks and accounts go with it. What names it by text stays: the record, rules, grants
and keys, which hold again for a server that is registered under its name.
"""

from django.db import transaction

from audit import changes
from audit.record import Who
from registry import connecting
from registry.mcp.client import connections
from registry.models import Server


def remove(server: Server, *, who: Who) -> None:
    """Delete the server and what belongs to it; then end its connections and revoke its tokens."""
    name = server.name
    with transaction.atomic():
        changes.note(server, "deleted", who=who, facts={"server": name})
        connecting.disconnect_all(server, who=who, because="the server is deleted")
        server.delete()
        transaction.on_commit(lambda: connections.close(name))
