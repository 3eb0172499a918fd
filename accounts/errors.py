"""What can go wrong on this floor.

AccountsError                    500  accounts
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
