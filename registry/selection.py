"""Servers by the names that somebody typed."""

from collections.abc import Sequence
from difflib import get_close_matches

from django.core.management.base import CommandError

from registry.models import Server


def servers_called(names: Sequence[str]) -> list[Server]:
    """The servers of these names, or all enabled ones when there are none.

    Raises `CommandError` for a name that nothing is registered under, with the nearest that is.
    """
    if not names:
        return list(Server.objects.enabled())
    known = {server.name: server for server in Server.objects.all()}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise CommandError(f"There is no server called {name}.{hint}")
    return [known[name] for name in dict.fromkeys(names)]
