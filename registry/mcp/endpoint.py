"""Where a server is and how it is spoken to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Endpoint:
    """Everything that makes a connection; two that differ in anything never share one.

    Times are seconds. `internal_addresses` are the "host:port" pairs that may be dialled although
    they are not public; plain http goes nowhere else. `headers` and `env` carry credentials and
    stay out of the repr. `max_age_seconds` 0 means that a connection never gets too old.
    `generation_hint` is the protocol version agreed on last time: with one of the handshake era
    the client does not first ask for the stateless one. `account` says whose credential it is,
    where that is not the same for all: connections are of one account each. With `answers_forms` a
    form of the server is answered by its own defaults where nobody can be asked (`forms`).
    `document_url` and `document` are the OpenAPI document of a REST service; only listing its tools
    needs them. A command that nobody has wanted for `idle_seconds` ends until somebody does (0:
    never), and no more than `most_children` run at a time. An internal one lives in this process
    (`registry.mcp.internal`) and is called for `account`.
    """

    name: str
    transport: Literal["http", "sse", "stdio", "openapi", "internal"]
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    connect_timeout: float = 10.0
    call_timeout: float = 30.0
    internal_addresses: frozenset[str] = frozenset()
    max_age_seconds: float = 0
    idle_seconds: float = 0
    most_children: int = 16
    generation_hint: str = ""
    account: int | None = None
    answers_forms: bool = False
    document_url: str = ""
    document: str = field(default="", repr=False)

    def __hash__(self) -> int:
        return hash((self.name, self.transport, self.url, tuple(self.argv), self.account))

    def replaces(self, other: "Endpoint") -> bool:
        """Whether a connection to `other` is of no use once there is one to this."""
        return (self.name, self.account) == (other.name, other.account)
