"""What can go wrong on this floor.

AccountsError                    500  accounts
├── BadValue                     400  bad_request         missing or wrong; `field` names it
├── NotAllowed                   403  not_allowed         the right is missing, or it is above one
├── NotFound                     404  not_found           nothing of that name
├── Conflict                     409  conflict            not as things stand
├── PolicyUnavailable            503  policy_unavailable   no policy to be read: none is applied
└── LimitReached                 429  limit_reached        which limit, whose, used, when it is over

Who a caller is not is said with REST framework's own AuthenticationFailed (`accounts.auth`).
"""

import math
from decimal import Decimal
from typing import Any, ClassVar

# A count, or dollars.
Number = int | Decimal


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


class LimitReached(AccountsError):
    """More was asked for than a limit lets through: which one, whose, how much of it is used.

    `held` is what questions under way keep of it. `reset_seconds` is None where no time is known:
    it is over as soon as a question has ended.
    """

    code, status = "limit_reached", 429

    def __init__(
        self,
        words: str,
        *,
        kind: str,
        whose: str,
        limit: Number,
        used: Number,
        held: Number = 0,
        reset_seconds: int | None,
        note: str = "",
    ) -> None:
        under_way = f", {amount(held)} held for questions under way" if held else ""
        again = "once one has ended" if reset_seconds is None else f"in {in_words(reset_seconds)}"
        super().__init__(
            f"The limit of {amount(limit)} {words} of {whose} is reached: {amount(used)} used"
            f"{under_way}{note}; try again {again}."
        )
        self.kind, self.whose, self.limit = kind, whose, limit
        self.used, self.held, self.reset_seconds = used, held, reset_seconds

    def details(self) -> dict[str, Any]:
        """What a program gets to know of it."""
        named = {"kind": self.kind, "whose": self.whose, "reset_seconds": self.reset_seconds}
        numbers = {"limit": self.limit, "used": self.used, "held": self.held}
        return named | {name: plain(number) for name, number in numbers.items()}


def plain(number: Number) -> int | float:
    """The number as JSON knows it."""
    return number if isinstance(number, int) else float(number)


def amount(number: Number) -> str:
    """A count, or dollars to a hundredth of a cent."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.4f}".rstrip("0").rstrip(".")


def in_words(seconds: int) -> str:
    """A time to wait, as exactly as a person needs it, and never too short."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds > 2 * size:
            return f"{math.ceil(seconds / size)} {unit}"
    return f"{seconds} seconds" if seconds != 1 else "1 second"
