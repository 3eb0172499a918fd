"""What is asked of a server over an open connection, and what its answers must look like."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from registry.mcp import forms
from registry.mcp.behalf import ALONE, Behalf
from registry.mcp.errors import BadAnswer, InputRequired, Rejected, TooLarge
from registry.mcp.watching import Stop

if TYPE_CHECKING:
    from registry.mcp.connection import Connection

TOOLS_LIMIT = 500
PAGES_LIMIT = 50
LISTING_LIMIT = 2 * 1024 * 1024
HEADER_MISMATCH = -32020
CALL = "tools/call"
MOST_ROUNDS = 4
# Beside tools a server lists these: the key in the answer, and the capability that says so.
OFFERINGS = {
    "prompts": ("prompts/list", "prompts"),
    "resources": ("resources/list", "resources"),
    "resourceTemplates": ("resources/templates/list", "resources"),
}


@dataclass(frozen=True)
class Listing:
    """What a server offers: its tools as it sent them, and what it says of itself.

    Nothing in a tool has been checked but that it is an object; `skipped` counts what was none.
    `offerings` are its prompts, resources and templates, by those names, objects all of them.
    """

    tools: list[dict[str, Any]]
    protocol_version: str
    server_info: dict[str, Any]
    instructions: str
    skipped: int = 0
    offerings: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    # For how long the server says that its lists are good; 0 where it does not say.
    seconds: float = 0


@dataclass(frozen=True)
class Request:
    """What is asked of a server, for how many seconds, and what its result must look like."""

    method: str
    params: Mapping[str, Any]
    behalf: Behalf = ALONE
    timeout: float | None = None
    stop: Stop | None = None

    def may_need_headers(self, error: Rejected) -> bool:
        """Whether the tool wants arguments in headers, which only the listing says."""
        return self.method == CALL and error.rpc_code == HEADER_MISMATCH

    def checked(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result, if it is one. Raises BadAnswer; InputRequired where nobody can be asked."""
        if asks_for_input(result):
            if not self.behalf.capabilities:
                raise InputRequired("The tool asks for a person's input, which is not passed on.")
        elif result.get("resultType", "complete") != "complete":
            raise BadAnswer("The server's result is of a kind that nobody knows.")
        elif self.method == CALL and not isinstance(result.get("content"), list):
            raise BadAnswer("The server's result is no tool result.")
        return result


def by_defaults(
    request: Request, ask: Callable[[Request], dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """The result of a request, its server's forms answered by their own defaults.

    Raises InputRequired where those do not say enough, or the server asks again and again.
    """
    end, more = time.monotonic() + seconds, dict(request.behalf.more)
    for _ in range(MOST_ROUNDS):
        behalf = replace(request.behalf, capabilities=forms.CAPABILITIES, more=more)
        left = max(0.0, end - time.monotonic())
        result = ask(replace(request, behalf=behalf, timeout=left))
        if not asks_for_input(result):
            return result
        answers = forms.answers(result.get("inputRequests"))
        if answers is None:
            break
        more = {"inputResponses": answers}
        if "requestState" in result:
            more["requestState"] = result["requestState"]
    raise InputRequired("The tool asks for a person's input, and nobody can be asked.")


async def everything(connection: "Connection", deadline: float) -> Listing:
    """All tools of the server and what else it offers.

    Raises TooLarge over 500 of a kind, 50 pages or 2 MiB. Where only the tools can be read, the
    others count as not offered.
    """
    lasting: list[float] = []
    tools = await _all(connection, "tools/list", key="tools", deadline=deadline, lasting=lasting)
    offerings = {
        key: await _others(connection, method, key=key, capability=capability, deadline=deadline)
        for key, (method, capability) in OFFERINGS.items()
    }
    listing = _described(connection, tools, offerings)
    return replace(listing, seconds=min(lasting, default=0))


async def _others(
    connection: "Connection", method: str, *, key: str, capability: str, deadline: float
) -> list[dict[str, Any]]:
    if getattr(connection.session.server_capabilities, capability, None) is None:
        return []
    try:
        found = await _all(connection, method, key=key, deadline=deadline)
    except (BadAnswer, Rejected):
        return []
    return [one for one in found if isinstance(one, dict)]


async def _all(
    connection: "Connection",
    method: str,
    *,
    key: str,
    deadline: float,
    lasting: list[float] | None = None,
) -> list[Any]:
    """A whole list, whatever its number of pages; `lasting` gets for how long each is good."""
    listed: list[Any] = []
    cursors: set[str] = set()
    params: dict[str, Any] = {}
    size = 0
    while True:
        page = await connection.request(method, params, deadline=deadline)
        found = page.get(key)
        if not isinstance(found, list):
            raise BadAnswer(f"The server's list of {key} is no list.")
        listed += found
        if lasting is not None and isinstance(ms := page.get("ttlMs"), int | float) and ms > 0:
            lasting.append(ms / 1000)
        size += len(json.dumps(found))
        check_listing(listed, size, key)
        cursor = page.get("nextCursor")
        if cursor is None:
            return listed
        if not isinstance(cursor, str) or cursor in cursors:
            raise BadAnswer(f"The server's list of {key} does not end: a page leads back.")
        cursors.add(cursor)
        if len(cursors) >= PAGES_LIMIT:
            raise TooLarge(f"The server's list of {key} has more than {PAGES_LIMIT} pages.")
        params = {"cursor": cursor}


def check_listing(listed: list[Any], size: int, key: str) -> None:
    """Raise TooLarge where a list is longer, or larger, than allowed."""
    if len(listed) > TOOLS_LIMIT:
        raise TooLarge(f"The server lists more than {TOOLS_LIMIT} {key}.")
    if size > LISTING_LIMIT:
        raise TooLarge(f"The server's list of {key} is larger than {LISTING_LIMIT:,} bytes.")


def _described(
    connection: "Connection", tools: list[Any], offerings: Mapping[str, list[dict[str, Any]]]
) -> Listing:
    session = connection.session
    info = session.server_info
    objects = [tool for tool in tools if isinstance(tool, dict)]
    connection.learn(objects)
    return Listing(
        tools=objects,
        protocol_version=session.protocol_version or "",
        server_info=info.model_dump(by_alias=True, mode="json", exclude_none=True) if info else {},
        instructions=session.instructions or "",
        skipped=len(tools) - len(objects),
        offerings=offerings,
    )


async def ask(connection: "Connection", request: Request, deadline: float) -> dict[str, Any]:
    """The raw result, or what the server asks of whoever waits behind us.

    Raises InputRequired where nobody can be asked.
    """
    params, behalf = request.params, request.behalf
    try:
        result = await connection.request(request.method, params, deadline=deadline, behalf=behalf)
    except Rejected as error:
        if not request.may_need_headers(error):
            raise
        await learn(connection, deadline)
        result = await connection.request(request.method, params, deadline=deadline, behalf=behalf)
    return request.checked(result)


async def learn(connection: "Connection", deadline: float) -> None:
    """Find out which arguments its tools want in headers: only their listing says so."""
    tools = await _all(connection, "tools/list", key="tools", deadline=deadline)
    connection.learn([tool for tool in tools if isinstance(tool, dict)])


def asks_for_input(result: Mapping[str, Any]) -> bool:
    """Whether this is no result yet, but what the server asks before there is one."""
    return result.get("resultType") == "input_required"


async def ping(connection: "Connection", deadline: float) -> float:
    """Milliseconds the server took to answer the smallest question its generation knows."""
    start = time.perf_counter()
    method = "server/discover" if connection.is_modern else "ping"
    await connection.request(method, {}, deadline=deadline)
    return (time.perf_counter() - start) * 1000
