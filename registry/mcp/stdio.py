"""MCP servers as children: each leads its own process group and never outlives this process.

The SDK's own stdio client holds a line of any length and tells nobody the child's number, so the
pipes are ours; everything above them is the SDK's.
"""

import asyncio
import atexit
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage

from registry.mcp import parsing
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import BadAnswer, Stale, TooLarge, Unreachable, UpstreamError
from registry.mcp.exchange import EXCHANGE
from registry.mcp.pace import HANDED_SECONDS, PIECE_SECONDS, Pace, paces
from registry.mcp.supervision import Life, Supervisor

# How long a child may take to leave after its input closed, and again after SIGTERM.
LEAVE_SECONDS = 1.0
# After its output closed, what it wrote to stderr may still be in the pipe.
LAST_WORDS_SECONDS = 0.02

Lost = Callable[[UpstreamError], None]
Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage | Exception]

_children: dict[int, "Child"] = {}
supervisor = Supervisor()


class Child:
    """A running child: its pipes and the last lines of its stderr."""

    def __init__(self, process: asyncio.subprocess.Process, life: Life) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process = process
        self.input, self.output, self.errors = process.stdin, process.stdout, process.stderr
        self.life, self.said = life, life.said

    def last_words(self) -> str:
        """The end of its stderr, at most 200 characters."""
        return parsing.excerpt(b" ".join(list(self.said)[-3:]))

    async def listen(self) -> None:
        """Keep the end of stderr; an endless line is cut into pieces."""
        while chunk := await self.errors.read(4096):
            self.said.extend(line for line in chunk.splitlines() if line.strip())

    async def end(self) -> None:
        """Close its input, wait a little, then end its whole group."""
        self.input.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            await self._left()
            _signal_group(self.process.pid, number)
        await self._left()
        _children.pop(self.process.pid, None)

    async def _left(self) -> None:
        # Not process.wait(): it also waits for pipes that a grandchild may hold open.
        for _ in range(int(LEAVE_SECONDS / 0.01)):
            if self.process.returncode is not None:
                return
            await asyncio.sleep(0.01)

    def disown(self) -> None:
        """In a forked process: let go of the pipes, which belong to the parent."""
        for stream in (self.input, self.output._transport, self.errors._transport):  # type: ignore[attr-defined]
            pipe = stream.get_extra_info("pipe")
            if pipe is not None:
                pipe.close()


class _Input:
    """The dispatcher's way to the child: writes in the sender's own task, so errors are its own."""

    def __init__(self, child: Child) -> None:
        self._child = child

    async def send(self, item: SessionMessage, /) -> None:
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
        exchange = EXCHANGE.get()
        exchange.sent = True
        try:
            self._child.input.write(line.encode())
            if self._child.input.is_closing():
                raise BrokenPipeError  # `drain` would notice two turns of the loop too late
            await self._child.input.drain()
        except (OSError, RuntimeError):
            exchange.fail(Stale("The server's process had ended."))
            raise anyio.BrokenResourceError from None

    async def aclose(self) -> None:
        self._child.input.close()

    async def __aenter__(self) -> "_Input":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@asynccontextmanager
async def child_client(endpoint: Endpoint, lost: Lost) -> AsyncIterator[tuple[Incoming, _Input]]:
    """Start the endpoint's command and yield the streams to it; its group is gone afterwards.

    `lost` is told once why the child can no longer be spoken to.
    """
    child, pace = await _start(endpoint), paces.of(endpoint.name)
    outgoing, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    tasks = [
        asyncio.create_task(child.listen()),
        asyncio.create_task(_read_lines(child, outgoing, lost, pace=pace)),
    ]
    try:
        yield incoming, _Input(child)
    finally:
        incoming.close()
        with anyio.CancelScope(shield=True):
            await child.end()
        for task in tasks:
            task.cancel()


async def _start(endpoint: Endpoint) -> Child:
    life = supervisor.admit(endpoint.name, running=len(_children), most=endpoint.most_children)
    try:
        process = await asyncio.create_subprocess_exec(
            *endpoint.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**get_default_environment(), **endpoint.env},
            cwd=endpoint.cwd,
            start_new_session=True,
            limit=parsing.BYTE_LIMIT,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid command"
        raise Unreachable(f"The server's command did not start: {reason}", executed="no") from None
    child = _children[process.pid] = Child(process, life)
    return child


async def _read_lines(child: Child, outgoing: Outgoing, lost: Lost, *, pace: Pace) -> None:
    """Hand on what the child says until it ends; whoever waits is told before the stream closes."""
    try:
        while True:
            line = await child.output.readuntil(b"\n")
            began = time.thread_time()
            if (message := await _message(line)) is not None:
                await outgoing.send(SessionMessage(message))
            if not isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
                work = HANDED_SECONDS if message is not None else time.thread_time() - began
                await asyncio.sleep(pace.spent(PIECE_SECONDS + work))
    except asyncio.LimitOverrunError:
        lost(TooLarge(f"A line of the server is longer than {parsing.BYTE_LIMIT:,} bytes."))
    except BadAnswer as error:
        lost(error)
    except (asyncio.IncompleteReadError, ConnectionError):
        await asyncio.sleep(LAST_WORDS_SECONDS)
        supervisor.ended(child.life)
        lost(Unreachable("The server's process ended.", detail=child.last_words()))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    finally:
        outgoing.close()


async def _message(line: bytes) -> types.JSONRPCMessage | None:
    """The JSON-RPC message in a line; None for chatter that is none, and what is only heard.

    A bad answer to a known request becomes its error. Raises BadAnswer where no request is known.
    """
    if not line.lstrip().startswith(b"{") or b'"jsonrpc"' not in line:
        return None
    try:
        value = await parsing.parse_aside(line)
        if (message := parsing.message(value)) is None:
            EXCHANGE.get().hear(value)
        return message
    except BadAnswer as error:
        answer = types.ErrorData(code=types.PARSE_ERROR, message=error.message)
        return types.JSONRPCError(jsonrpc="2.0", id=_id_of_bad(line, error), error=answer)


def _id_of_bad(line: bytes, error: BadAnswer) -> Any:
    try:
        found = json.loads(line)["id"]
    except (ValueError, KeyError, RecursionError):
        raise error from None
    if not isinstance(found, int | str):
        raise error
    return found


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end_all() -> None:
    """End every child and its group at once: this process is about to exit."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _children:
            _signal_group(pid, number)
        end = time.monotonic() + LEAVE_SECONDS / 2
        while time.monotonic() < end and any(map(_is_running, list(_children.values()))):
            time.sleep(0.01)


def _is_running(child: Child) -> bool:
    return child.process.returncode is None


def _disown_all() -> None:
    # After a fork the children are the parent's: neither ended here nor kept open by our copies.
    for child in _children.values():
        child.disown()
    _children.clear()
    supervisor.forget()


atexit.register(end_all)
os.register_at_fork(after_in_child=_disown_all)
