"""Every registered tool as the policy sees it: what a change of the policy may give or take."""

from collections.abc import Iterator

from accounts.policy import Target
from gateway.toolbox import target_of
from registry.models import Server, Tool
from registry.verbs import VERBS, as_tool


def every_target() -> Iterator[Target]:
    """The tools of all servers, also those that are not offered now."""
    tools = Tool.objects.select_related("server")
    return map(target_of, tools.iterator(chunk_size=2000))


def every_verb() -> Iterator[Target]:
    """What every server may be asked for beside its tools, which it may have none of."""
    return (target_of(as_tool(server, verb)) for server in Server.objects.all() for verb in VERBS)
