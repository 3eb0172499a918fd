"""What can go wrong with an upstream MCP server.

    UpstreamError
    ├── Unreachable      no connection, or it broke
    │   ├── GuardRefused the address may not be dialled
    │   └── Stale        the session had ended before the request was taken up
    ├── TimedOut         the deadline passed
    ├── Cancelled        the caller no longer waits
    ├── HttpRefused      an HTTP status instead of an answer
    ├── BadAnswer        bytes that are no proper answer
    │   └── TooLarge     more bytes, tools or pages than allowed
    ├── BadArguments     what should be sent cannot be written
    ├── Rejected         a JSON-RPC error, the server's own word
    └── InputRequired    the tool wants to ask a person

A tool that ran and failed is not here: it is a result with `isError`.
"""

from typing import Any, Literal

Executed = Literal["no", "unknown"]

MESSAGE_LIMIT = 2000


class UpstreamError(Exception):
    """A request to an upstream ended without a result.

    `executed` is "no" only where the upstream provably did not act on the request, so that sending
    it again is safe; in every other case it is "unknown". The message is at most 2,000 characters.
    `detail` is an excerpt of foreign text (a body, a last line of stderr), at most 200 characters:
    it may hold anything, so it belongs in the record and before administrators, nowhere else.
    """

    code = "upstream_error"

    def __init__(
        self,
        message: str,
        *,
        executed: Executed = "unknown",
        status: int | None = None,
        detail: str = "",
    ) -> None:
        self.message = shorten(message, MESSAGE_LIMIT)
        self.detail = detail
        self.executed: Executed = executed
        self.status = status
        super().__init__(self.message)

    def lightened(self) -> "UpstreamError":
        """This error without how it came about: frames that hold what was read, megabytes of it.

        Whoever keeps an error where the code that raised it can see it makes a circle, and what a
        circle holds is held until garbage is collected.
        """
        self.__traceback__ = self.__context__ = None
        return self


class Unreachable(UpstreamError):
    """There was no connection to the server, or it broke."""

    code = "unreachable"


class GuardRefused(Unreachable):
    """The network guard does not let this address be dialled; nothing was sent."""

    code = "address_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, executed="no")
        self.reason = self.message


class Stale(Unreachable):
    """The session had ended before the request was taken up; a new one may be opened for it."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, executed="no", status=status)


class TimedOut(UpstreamError):
    """The deadline passed."""

    code = "timed_out"


class Cancelled(UpstreamError):
    """The caller stopped waiting; the server was told."""

    code = "cancelled"


class HttpRefused(UpstreamError):
    """The server answered with an HTTP status that is no success."""

    code = "http_refused"

    def __init__(
        self, message: str, *, status: int, www_authenticate: str = "", detail: str = ""
    ) -> None:
        executed: Executed = "no" if status in TURNED_AWAY else "unknown"
        super().__init__(message, executed=executed, status=status, detail=detail)
        self.www_authenticate = shorten(www_authenticate, MESSAGE_LIMIT)


class BadAnswer(UpstreamError):
    """What the server sent is not a proper answer."""

    code = "bad_answer"


class TooLarge(BadAnswer):
    """What the server sent is larger than allowed."""

    code = "too_large"


class BadArguments(UpstreamError):
    """The arguments cannot be written as the server wants them; nothing was sent."""

    code = "bad_arguments"

    def __init__(self, message: str) -> None:
        super().__init__(message, executed="no")


class Rejected(UpstreamError):
    """The server answered with a JSON-RPC error: its code, and what it said beside its message."""

    code = "rejected"

    def __init__(
        self, message: str, *, rpc_code: int, status: int | None = None, data: Any = None
    ) -> None:
        super().__init__(
            message, executed="no" if rpc_code in NOT_RUN else "unknown", status=status
        )
        self.rpc_code = rpc_code
        self.data = data

    def with_said(self, message: str, data: Any) -> "Rejected":
        """The same refusal in other words."""
        return Rejected(message, rpc_code=self.rpc_code, status=self.status, data=data)


class InputRequired(UpstreamError):
    """The tool asks a person for input, which is not passed on."""

    code = "input_required"


# JSON-RPC codes that say the request was not taken up: invalid request, unknown method, invalid
# parameters; header mismatch, missing capability, unsupported version.
NOT_RUN = frozenset({-32600, -32601, -32602, -32020, -32021, -32022})


# HTTP statuses given at the door: redirects, authentication, path, method, type, size, rate limit.
TOO_MANY = 429
TURNED_AWAY = frozenset(
    {301, 302, 303, 307, 308, 401, 403, 404, 405, 406, 407, 413, 415, 421, TOO_MANY}
)


def is_its_fault(error: UpstreamError) -> bool:
    """Whether the failure says that the server is ill; a refusal says that it is there."""
    if isinstance(error, HttpRefused):
        return error.status is None or error.status >= 500 or error.status == TOO_MANY
    return not isinstance(error, BadArguments | Cancelled | Rejected | InputRequired | GuardRefused)


def shorten(text: str, limit: int) -> str:
    """The text, cut to `limit` characters with an ellipsis where it was longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
