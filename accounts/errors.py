"""What can go wrong on this floor.

AccountsError                    500  accounts
├── BadValue                     400  bad_request         missing or wrong; `field` names it
├── NotAllowed                   403  not_allowed         the right is missing, or it is above one
├── NotFound                     404  not_found           nothing of that name
├── Conflict                     409  conflict            not as things stand
├── PolicyUnavailable            503  policy_unavailable   no policy to be read: none is applied
├── LimitReached                 429  limit_reached        carries limit, used, reset_seconds
└── LimitsUnavailable            503  limits_unavailable   the counters do not answer

Who a caller is not is said with REST framework's own AuthenticationFailed (`accounts.auth`).
"""

from typing import ClassVar


class AccountsError(Exception):
    """Base of the tree; the message is safe to show to the person."""

    code: ClassVar[str] = "accounts"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class BadValue(AccountsError):
    code, status = "bad_request", 400


class NotAllowed(AccountsError):
    code, status = "not_allowed", 403


class NotFound(AccountsError):
    code, status = "not_found", 404


class Conflict(AccountsError):
    code, status = "conflict", 409


class PolicyUnavailable(AccountsError):
    code, status = "policy_unavailable", 503


class LimitsUnavailable(AccountsError):
    code, status = "limits_unavailable", 503


class LimitReached(AccountsError):
    """More was asked for than a limit lets through."""

    code, status = "limit_reached", 429

    def __init__(self, limit: str, *, used: int, reset_seconds: int) -> None:
        super().__init__(f"The limit of {limit} is used up; try again in {reset_seconds} s.")
        self.limit = limit
        self.used = used
        self.reset_seconds = reset_seconds
