"""Requests of the stateless generation, made by the calling thread itself.

Such a request needs no session: it is one POST and its answer. So whoever wants a tool called asks
over a connection of its own (`wire`), and no event loop stands between. Finding out that a server
is of this generation stays with `connection`; what counts as an answer is what counts there:
identity encoding, no redirects, strict JSON, capped and timed.
"""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h11
import mcp_types as types
from mcp.shared import inbound

from registry.mcp import answers, events, guard, parsing, plain
from registry.mcp.answers import Head, Message
from registry.mcp.asking import Request
from registry.mcp.behalf import HEARD_LIMIT, LOG_MESSAGE, Behalf
from registry.mcp.body import Body
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, Rejected, Unreachable, UpstreamError
from registry.mcp.large import LARGE_BYTES, Stay
from registry.mcp.pace import PIECE_SECONDS, Pace, paces
from registry.mcp.sockets import Watch
from registry.mcp.watching import asker
from registry.mcp.wire import Wire, Wires

CLIENT = types.Implementation(name="omni2", version="0.1")
CLIENT_INFO = CLIENT.model_dump(by_alias=True, mode="json", exclude_none=True)
# By tool: the arguments that it wants repeated in HTTP headers.
HeaderMaps = Mapping[str, Mapping[tuple[str, ...], str]]


def stamped(
    version: str, method: str, params: Mapping[str, Any], *, behalf: Behalf, wanted: HeaderMaps
) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters and HTTP headers that the stateless generation asks for."""
    meta: dict[str, Any] = {
        types.PROTOCOL_VERSION_META_KEY: version,
        types.CLIENT_INFO_META_KEY: CLIENT_INFO,
        types.CLIENT_CAPABILITIES_META_KEY: dict(behalf.capabilities),
    }
    if behalf.log_level:
        meta[types.LOG_LEVEL_META_KEY] = behalf.log_level
    headers = {inbound.MCP_PROTOCOL_VERSION_HEADER: version, inbound.MCP_METHOD_HEADER: method}
    if (key := inbound.NAME_BEARING_METHODS.get(method)) is not None:
        headers[inbound.MCP_NAME_HEADER] = inbound.encode_header_value(params[key])
    if method == "tools/call":
        named = wanted.get(params["name"], {})
        headers.update(inbound.mcp_param_headers(dict(named), params["arguments"]))
    return {**params, "_meta": meta}, headers


@dataclass
class _UnderWay:
    """One request under way, and who hears what the server says meanwhile."""

    message: Message
    behalf: Behalf
    watch: Watch
    pace: Pace
    heard: int = 0

    def hear(self, said: Mapping[str, Any]) -> None:
        """Pass a notification on, where it is one that somebody may hear."""
        method, params = said.get("method"), said.get("params") or {}
        if method == LOG_MESSAGE:
            self._tell(LOG_MESSAGE, params)
            return
        is_its_own = params.get("progressToken") == self.message.id
        if method == parsing.PROGRESS and is_its_own and (known := _progress(params)):
            self._tell(parsing.PROGRESS, known)

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        self.heard += 1
        if self.behalf.hear is not None and self.heard <= HEARD_LIMIT:
            self.behalf.hear(method, params)


def _progress(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far the server says it is; None where it says nothing that makes sense."""
    known = {"progress": params.get("progress"), "total": params.get("total")}
    numbers = [value for value in known.values() if value is not None]
    if known["progress"] is None or not all(type(value) in (int, float) for value in numbers):
        return None
    if isinstance(params.get("message"), str):
        known["message"] = params["message"]
    return {name: value for name, value in known.items() if value is not None}


class Line:
    """The way to one server of the stateless generation, for any number of threads."""

    def __init__(
        self, endpoint: Endpoint, resolver: guard.Resolver, *, version: str, wanted: HeaderMaps
    ) -> None:
        self._name, self._pace = endpoint.name, paces.of(endpoint.name)
        self._wires = Wires(endpoint, resolver)
        self._version, self._wanted = version, wanted
        self._target = plain.target_of(endpoint.url)
        self._own = _own_headers(endpoint, self._wires.origin)
        self._ids = itertools.count(1)
        self.retire, self.hang_up = self._wires.retire, self._wires.hang_up

    @property
    def is_busy(self) -> bool:
        return self._wires.is_busy

    def request(self, asked: Request, *, deadline: float) -> dict[str, Any]:
        """The raw result of one JSON-RPC request, by `deadline` (monotonic).

        Raises an UpstreamError. Sent at most once.
        """
        message = Message(asked.method, next(self._ids))
        watch = Watch(deadline, asker(asked.stop))
        under_way = _UnderWay(message, asked.behalf, watch, self._pace)
        under_way.watch.look()
        sending, content = self._written(message, asked)
        wire, whole = self._wires.take(under_way.watch), False
        try:
            head = wire.ask(sending, content, under_way.watch)
            with Stay(self._name) as stay:
                answer = _answer(wire, head, under_way, stay=stay)
            whole = True
        except UpstreamError as error:
            raise error.lightened() from None
        finally:
            self._wires.give_back(wire, whole=whole)
        return _result(answer, head.status)

    def _written(self, about: Message, asked: Request) -> tuple[h11.Request, bytes]:
        """The request as it goes out."""
        method, behalf = asked.method, asked.behalf
        body, headers = stamped(
            self._version,
            method,
            {**asked.params, **behalf.more},
            behalf=behalf,
            wanted=self._wanted,
        )
        if behalf.hear is not None:
            body["_meta"]["progressToken"] = about.id
        message = {"jsonrpc": "2.0", "id": about.id, "method": method, "params": body}
        content = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        named = {**self._own, **headers, "content-length": str(len(content))}
        try:
            return h11.Request(
                method="POST", target=self._target, headers=list(named.items())
            ), content
        except h11.LocalProtocolError:
            # The library's text would repeat the header, which may be a credential.
            raise Unreachable("A header of this server is not valid.", executed="no") from None


def _own_headers(endpoint: Endpoint, origin: guard.Origin) -> dict[str, str]:
    """What every request says; nothing in it is for a caller to change."""
    return {
        "user-agent": "omni2",
        **{name.lower(): value for name, value in endpoint.headers.items()},
        "host": origin.authority,
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
    }


# --- The answer -----------------------------------------------------------------------------------
def _answer(wire: Wire, head: Head, request: _UnderWay, *, stay: Stay) -> dict[str, Any]:
    """The JSON-RPC answer, read to its end. Raises UpstreamErrors for what is none."""
    answers.check_encoding(head)
    chunks = wire.body(request.watch)
    if head.status >= 300:
        body = _read(_paced(chunks, request), answers.ERROR_BODY_LIMIT, cut=True)
        return answers.refusal(head, body, request.message)
    kind = answers.kind_of(head)
    if kind == "application/json":
        answers.check_length(head, parsing.BYTE_LIMIT)
        body = _read(_paced(chunks, request, stay), parsing.BYTE_LIMIT)
        with stay.reading():
            return answers.correlated(parsing.parse(body), request.message)
    if kind == "text/event-stream":
        return _streamed(_paced(chunks, request), request, stay)
    body = _read(_paced(chunks, request), answers.ERROR_BODY_LIMIT, cut=True)
    raise answers.not_json(head, body)


def _read(chunks: Iterator[bytes], limit: int, *, cut: bool = False) -> bytes:
    """The body. Raises TooLarge over the limit, or cuts there."""
    with Body() as body:
        for chunk in chunks:
            body.add(chunk)
            if body.size > limit and not cut:
                parsing.check_size(body.size, limit)
            if body.size > limit:
                break
        return body.first(limit)


def _paced(
    chunks: Iterator[bytes], request: _UnderWay, stay: Stay | None = None
) -> Iterator[bytes]:
    """The same chunks: many small ones slowly, later ones of a large answer when there is place."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        request.watch.rest(request.pace.spent(PIECE_SECONDS))
        if stay is not None:
            stay.wait_to_grow(size, request.watch.look)
        yield chunk


def _streamed(chunks: Iterator[bytes], request: _UnderWay, stay: Stay) -> dict[str, Any]:
    """The answer in a stream of events; what is said before it is heard."""
    splitter = events.Splitter(limit=parsing.BYTE_LIMIT)
    for chunk in chunks:
        stay.wait_to_grow(splitter.size + len(chunk), request.watch.look)
        began = time.thread_time()
        for event in splitter.feed(chunk):
            data = events.message_in(event)
            with stay.reading():
                value = parsing.parse(data) if data else None
            if value is None:
                continue
            if isinstance(value, dict) and "method" in value:
                parsing.message(value)
                request.hear(value)
            else:
                return answers.correlated(value, request.message)
        if splitter.size <= LARGE_BYTES:
            stay.leave()
        request.watch.rest(request.pace.spent(time.thread_time() - began))
    raise Unreachable("The connection broke before the answer came.")


def _result(answer: Mapping[str, Any], status: int) -> dict[str, Any]:
    """What the answer holds. Raises Rejected for a JSON-RPC error, BadAnswer for anything else."""
    error = answer.get("error")
    if error is not None:
        if error["code"] == types.PARSE_ERROR:
            raise BadAnswer(error["message"])
        raise Rejected(
            error["message"], rpc_code=error["code"], status=status, data=error.get("data")
        )
    result = answer["result"]
    if not isinstance(result, dict):
        raise BadAnswer("The server's result is no object.")
    return result
