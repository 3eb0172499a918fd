"""Take a turn of the real client against the fake Messages API."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.llm.anthropic import AnthropicModel, Provider
from gateway.llm.base import Message, Reply, ToolSpec
from gateway.llm.patience import Patience

QUESTION: list[Message] = [{"role": "user", "content": "What time is it?"}]
NOW = ToolSpec(
    name="time__now",
    description="The time.",
    input_schema={"type": "object", "properties": {"zone": {"type": "string"}}},
)
ADD = ToolSpec(name="calc__add", description="A sum.", input_schema={})
QUICK = Patience(first_wait=0.01, longest_wait=0.02, total_wait=0.5, poll=0.01)


@dataclass
class Listener:
    """What a consumer of a turn has on its screen."""

    pieces: list[str] = field(default_factory=list)
    restarts: int = 0

    def hear(self, text: str) -> None:
        self.pieces.append(text)

    def restart(self) -> None:
        self.pieces.clear()
        self.restarts += 1


def model_at(url: str, *, patience: Patience = QUICK, **values: Any) -> AnthropicModel:
    provider = {"model": "claude-sonnet-5-5", "api_key": "sk-test-1", "base_url": url}
    return AnthropicModel(Provider(**provider | values), patience=patience)


def take_turn(
    model: AnthropicModel,
    listener: Listener | None = None,
    *,
    within: float = 5,
    cancelled: Callable[[], bool] = lambda: False,
    tools: tuple[ToolSpec, ...] = (NOW, ADD),
    messages: list[Message] = QUESTION,
) -> Reply:
    listener = listener or Listener()
    return model.turn(
        system="Be exact.",
        tools=tools,
        messages=messages,
        on_delta=listener.hear,
        on_restart=listener.restart,
        deadline=time.monotonic() + within,
        cancelled=cancelled,
    )
