"""Anthropic's Messages API, and whatever else speaks it, by our own use of `messages.stream`.

Never the SDK's tool runner (it keeps the conversation at the provider) and never `mcp_servers` (the
provider would call tools itself, past the policy). The SDK's retries are off: an attempt is one
request, and this module alone decides about another one, within one deadline for the whole turn.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from gateway.llm import stream
from gateway.llm.base import Message, ModelCancelled, Reply, ToolSpec, ignore
from gateway.llm.failures import Transient, judge_opening, judge_reading
from gateway.llm.patience import Patience
from gateway.llm.turns import Assembly

CONNECT_TIMEOUT = 10.0
# These think always, and say nothing between tool calls unless asked for summaries.
_ALWAYS_THINKING = ("claude-opus-5-5", "claude-fable-5")
_CACHED = {"cache_control": {"type": "ephemeral"}}


@dataclass(frozen=True)
class Provider:
    """Where the model is and how to speak to it.

    `plain` leaves out every optional field, for servers that refuse what they do not know.
    `timeout` bounds a whole turn, in seconds, retries and all.
    """

    model: str
    api_key: str
    base_url: str = "https://api.anthropic.com"
    extra_headers: tuple[tuple[str, str], ...] = ()
    max_tokens: int = 4096
    effort: str = ""
    plain: bool = False
    timeout: float = 60.0


class AnthropicModel:
    """A model behind the Messages API; one client for the process, made when it is first needed."""

    def __init__(self, provider: Provider, *, patience: Patience | None = None) -> None:
        self.name = provider.model
        self._provider = provider
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._client: Any = None
        self._process = 0

    def turn(
        self,
        *,
        system: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
        on_delta: Callable[[str], None],
        deadline: float,
        cancelled: Callable[[], bool],
        on_restart: Callable[[], None] = ignore,
    ) -> Reply:
        """Take one turn; whatever fails in a way that may pass is tried again as a whole."""
        deadline = min(deadline, time.monotonic() + self._provider.timeout)
        request = self._request(system, tools, messages)
        waited = 0.0
        attempt = 1
        while True:
            written = _Written(on_delta)
            try:
                reply = self._attempt(request, written, deadline=deadline, cancelled=cancelled)
                return replace(reply, attempts=attempt)
            except Transient as failure:
                attempt += 1
                wait = self._wait_before(attempt, failure, waited=waited, deadline=deadline)
            if written.anything:
                on_restart()
            self._rest(wait, cancelled)
            waited += wait

    def prepare(self) -> None:
        """Make the client now, so that the first question does not pay for the SDK's import."""
        self._open()

    def _attempt(
        self,
        request: Mapping[str, Any],
        on_delta: Callable[[str], None],
        *,
        deadline: float,
        cancelled: Callable[[], bool],
    ) -> Reply:
        client = self._open()
        timeout = _sdk().Timeout(max(0.05, deadline - time.monotonic()), connect=CONNECT_TIMEOUT)
        assembly = Assembly(self._provider.model)
        events = stream.events(
            lambda: client.messages.stream(**request, timeout=timeout),
            deadline=deadline,
            cancelled=cancelled,
            poll=self._patience.poll,
        )
        try:
            with closing(events):
                for event in events:
                    if text := assembly.take(event):
                        on_delta(text)
        except stream.OpeningFailed as failure:
            raise judge_opening(failure.error, _sdk(), model=self.name) from failure
        except stream.ReadingFailed as failure:
            raise judge_reading(failure.error, _sdk()) from failure
        return assembly.reply()

    def _wait_before(
        self, attempt: int, failure: Transient, *, waited: float, deadline: float
    ) -> float:
        """Seconds to wait before that attempt; raises the failure's error when there is none."""
        wait = self._patience.wait_before(attempt, asked=failure.asked, waited=waited)
        if wait is None or time.monotonic() + wait >= deadline:
            failure.error.attempts = attempt - 1
            raise failure.error from failure.__cause__
        return wait

    def _rest(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            if cancelled():
                raise ModelCancelled("The question was cancelled.")
            time.sleep(min(remaining, self._patience.poll))

    def _request(
        self, system: str, tools: Sequence[ToolSpec], messages: Sequence[Message]
    ) -> dict[str, Any]:
        provider = self._provider
        request: dict[str, Any] = {
            "model": provider.model,
            "max_tokens": provider.max_tokens,
            "messages": list(messages),
        }
        extra = {} if provider.plain else _CACHED
        if system:
            request["system"] = [{"type": "text", "text": system, **extra}] if extra else system
        if tools:
            # A cache holds only as long as nothing before it changes, so the order is fixed.
            described = [_describe(tool) for tool in sorted(tools, key=lambda tool: tool.name)]
            request["tools"] = [*described[:-1], described[-1] | extra]
        if provider.effort and not provider.plain:
            request["output_config"] = {"effort": provider.effort}
        if provider.model.startswith(_ALWAYS_THINKING) and not provider.plain:
            request["thinking"] = {"type": "adaptive", "display": "summarized"}
        return request

    def _open(self) -> Any:
        """The client of this process; after a fork a new one, for connections cannot be shared."""
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client, self._process = _make_client(self._provider), os.getpid()
            return self._client


class _Written:
    """Passes pieces on and remembers whether there were any."""

    def __init__(self, on_delta: Callable[[str], None]) -> None:
        self._on_delta = on_delta
        self.anything = False

    def __call__(self, text: str) -> None:
        self.anything = True
        self._on_delta(text)


def _describe(tool: ToolSpec) -> dict[str, Any]:
    schema = {"type": "object", **tool.input_schema}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _make_client(provider: Provider) -> Any:
    sdk = _sdk()
    return sdk.Anthropic(
        # Never None: the SDK would look for keys in the environment and in files of its own.
        api_key=provider.api_key or "none",
        base_url=_root_of(provider.base_url),
        default_headers=dict(provider.extra_headers),
        max_retries=0,
        # A redirect could carry the key to another host.
        http_client=sdk.DefaultHttpxClient(follow_redirects=False),
    )


def _root_of(url: str) -> str:
    """The SDK adds `/v1/messages` itself, and people write addresses with and without `/v1`."""
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def _sdk() -> Any:
    import anthropic  # noqa: PLC0415  2 s of CPU: only a process that asks a model pays for it

    return anthropic
