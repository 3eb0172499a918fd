"""The seam to a language model: one protocol of one method, and the values that cross it.

A message is a dict of the Messages API: `{"role": "user" | "assistant", "content": str or blocks}`;
a tool's result is a block of the user,
`{"type": "tool_result", "tool_use_id", "content": str, "is_error": bool}`.

    ModelError              code and a sentence that a person may read; never a secret
    ├── ModelUnavailable    not reachable, overloaded or broken, also after our retries
    ├── ModelRefused        the provider rejected the request: key, model name, size, shape
    ├── ModelCut            the stream ended before the turn did; nothing of it may be acted on
    ├── ModelTimedOut       the deadline passed
    └── ModelCancelled      `cancelled()` said so, and the stream was closed
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from audit.storable import LOST, REPLACEMENT, storable

Message = Mapping[str, Any]
Block = dict[str, Any]


class Stop:
    """Why a turn ended. Only `TOOL_USE` comes with tool uses; the loop decides about the others."""

    END = "end_turn"
    TOOL_USE = "tool_use"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    PAUSE = "pause_turn"
    REFUSAL = "refusal"
    CONTEXT_FULL = "model_context_window_exceeded"


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it; `name` is unique among the tools of one turn.

    `read_only_by` is whose word it is that it only reads: its server's, or the policy's.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    read_only: bool = False
    server: str = ""
    tool: str = ""
    read_only_by: Literal["server", "policy", ""] = ""


@dataclass(frozen=True)
class ToolUse:
    """One call the model asks for; `id` is what the result must name."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Tokens of a turn, or of several; None means that the provider did not say, which is not 0."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=_add(self.input, other.input),
            output=_add(self.output, other.output),
            cache_read=_add(self.cache_read, other.cache_read),
            cache_write=_add(self.cache_write, other.cache_write),
        )

    @property
    def prompt(self) -> int | None:
        """The whole length of the prompt: what was new, read from the cache and written to it."""
        return _add(_add(self.input, self.cache_read), self.cache_write)


NO_TOKENS = Usage(input=0, output=0, cache_read=0, cache_write=0)


def _add(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


@dataclass(frozen=True)
class Reply:
    """One whole turn of the model.

    `content` holds the assistant's blocks as they came (thinking and signatures too), as far as a
    database can keep that; the next turn must replay them unchanged. `usage` is that of the attempt
    that succeeded; with more than one in `attempts` the provider may have billed more.
    """

    text: str
    tool_uses: tuple[ToolUse, ...]
    stop: str
    usage: Usage
    content: list[Block]
    model: str
    attempts: int = 1


def reply_of(content: list[Block], *, stop: str, usage: Usage, model: str) -> Reply:
    """Read a whole turn from its blocks; only a turn that stopped for tool use has tool uses.

    What cannot be kept becomes a character that no tool's name and no argument may hold: a use is
    never repaired into another one, which would then be made.
    """
    content = [storable(block, instead=_instead_in(block)) for block in content]
    uses = (block for block in content if block.get("type") == "tool_use" and stop == Stop.TOOL_USE)
    return Reply(
        text="".join(block["text"] for block in content if block.get("type") == "text"),
        tool_uses=tuple(ToolUse(use["id"], use["name"], use["input"]) for use in uses),
        stop=stop,
        usage=usage,
        content=content,
        model=model,
    )


def _instead_in(block: Block) -> str:
    return LOST if block.get("type") == "tool_use" else REPLACEMENT


def ignore() -> None:
    """Do nothing: for a consumer that keeps no text between deltas."""


class Model(Protocol):
    """Whatever can take a turn. An instance is shared by all threads of the process."""

    name: str

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
        """Take one turn and return it whole, before `deadline` (of `time.monotonic()`).

        Text arrives at `on_delta` piece by piece while it is written. When an attempt that has
        already written text must be repeated, `on_restart` is called first: all pieces of this turn
        so far are void. Raises a ModelError; then no piece and no tool use of this turn is valid.
        """


class ModelError(Exception):
    """A turn that did not happen: `code` for programs, the message for a person."""

    code: ClassVar[str] = "model_error"

    def __init__(self, message: str, *, status: int | None = None, attempts: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.attempts = attempts


class ModelUnavailable(ModelError):
    """The provider cannot be reached, is overloaded or answers nonsense."""

    code = "model_unavailable"


class ModelRefused(ModelError):
    """The provider rejected the request, and would reject it again."""

    code = "model_refused"


class ModelCut(ModelError):
    """The stream ended before the turn did."""

    code = "model_cut"


class ModelTimedOut(ModelError):
    """The deadline passed before the turn was whole."""

    code = "model_timed_out"


class ModelCancelled(ModelError):
    """The question was cancelled while the model was writing."""

    code = "model_cancelled"
