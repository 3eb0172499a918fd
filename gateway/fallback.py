"""A server that was not there for a call, and the one that stands in for it.

For tools that only read, where an administrator says so of the server (`Server.fallback`). What
stands in is a call of its own, through the one door, with its own entries and its own row that
names the first one; whether this person may make it is decided by the policy, for that server.
"""

from dataclasses import replace

from django.utils import timezone

from accounts.policy import Effect
from audit import looks
from gateway import errors
from gateway.checking import Checked, Wish, decide
from gateway.models import Call
from registry import standing_in, tokens
from registry.errors import NotConnected, RegistryError
from registry.mcp.errors import UpstreamError
from registry.models import Tool

# What the name of the step gets in the journal, so that each of the two calls has one of its own.
STEP = "~instead"
# Ends of the second call after which the first one's error is what the person is told.
NOTHING_GIVEN = (
    errors.UnknownTool,
    errors.Refused,
    errors.NotConnected,
    errors.NeedsApproval,
    errors.ApprovalInvalid,
    errors.LimitReached,
    errors.BadArguments,
    errors.UpstreamFailed,
    errors.OutcomeUnknown,
)


def instead(checked: Checked, row: Call, error: UpstreamError | RegistryError) -> Wish | None:
    """The wish of the server that stands in for the one of this failed call; None without one.

    There is none for a call that stands in itself, none that somebody would have to approve, and
    none for which there is no time left.
    """
    wish = checked.wish
    if wish.instead_of is not None or wish.cancelled.is_set():
        return None
    if not standing_in.is_unavailable(error):
        return None
    other = standing_in.tool_in_place_of(checked.tool)
    if other is None:
        return None
    left = _time_left(wish, row)
    if left is not None and left <= 0:
        return None
    second = replace(
        wish,
        server=other.server.name,
        tool=other.name,
        instead_of=row,
        step=wish.step and wish.step + STEP,
        approval=None,
        picks_up=False,
        timeout=left,
        # What the first server asked, and was told, is not the second one's.
        behalf=replace(wish.behalf, capabilities={}, more={}),
    )
    return second if _is_open(second, other) else None


def last_of(row: Call) -> Call:
    """The call whose outcome counts: what stood in for this one, if something did."""
    return row.stood_in_by.select_related("instead_of").first() or row


def told(row: Call) -> str:
    """Which server gave the answer of a call that stood in for another one; "" for every other."""
    if row.instead_of is None:
        return ""
    return f"{row.instead_of.server} could not be reached: this is the answer of {row.server}."


def _time_left(wish: Wish, row: Call) -> float | None:
    """Seconds of the wish's own time; None where it has none, and the server's counts."""
    if wish.timeout is None:
        return None
    return wish.timeout - (timezone.now() - row.created_at).total_seconds()


def _is_open(wish: Wish, tool: Tool) -> bool:
    """Whether this person may have the tool called like this, unasked, with their own account."""
    with looks.one_look():
        decided = decide(wish, tool)
    if decided.decision.effect != Effect.ALLOW:
        return False
    try:
        tokens.require_account(tool.server, wish.asker.user.pk)
    except NotConnected:
        return False
    return standing_in.takes(tool, wish.arguments, filled=decided.arguments)
