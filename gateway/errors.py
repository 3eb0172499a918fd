"""What can go wrong on the way of a question, and how each door says it.

GatewayError                     500  internal
├── BadRequest                   400  bad_request         missing or wrong; `field` names it
│   └── BadArguments             400  bad_arguments       the tool's schema refuses them
├── NotFound                     404  not_found           nothing of that name of this person
│   └── UnknownTool              404  unknown_tool
├── NotAllowed                   403  not_allowed         this account or key may not at all
├── Refused                      403  refused             the policy says no; `decision` says why
│   ├── NeedsApproval            403  needs_approval      the policy wants a person's yes first
│   └── ApprovalRefused          403  approval_refused    a person said no to this call
│       └── ApprovalExpired      403  approval_expired    nobody said anything in time
├── NotConnected                 403  not_connected       an account of one's own is needed there
├── ApprovalInvalid              409  approval_invalid    not for this call, or used already
├── AlreadyDecided               409  already_decided     there is nothing to decide any more
├── Conflict                     409  idempotency_conflict
├── LimitReached                 429  limit_reached
│   └── PutOff                   429  put_off             approved, and made once there is room
├── UpstreamFailed               502  upstream_failed     not done, or said to have failed
│   ├── ServerUnavailable        503  server_unavailable  it failed too often: it is left alone now
│   └── ServerBusy               503  server_busy         as many calls as it takes are under way
├── OutcomeUnknown               504  outcome_unknown     sent, and nobody knows what became of it
├── ModelFailed                  502  model_failed
├── Cancelled                    409  cancelled
├── Expired                      504  expired             the question's own deadline has passed
├── LeaseLost                    409  lease_lost          another worker has taken the question over
└── Unavailable                  503  unavailable         a part OMNI2 needs does not answer

An error that is none of these is unexpected: it gets an id, which the person and the log both see.
"""

import math
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings

from accounts.errors import LimitReached as PersonLimitReached
from accounts.policy import Decision
from registry.mcp.errors import Rejected


class GatewayError(Exception):
    """Base of the tree: `code` and `status` belong to the class, message and field to the case."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    # What is said where every case of a class is alike.
    sentence: ClassVar[str] = ""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        self.message = message or self.sentence
        self.field = field
        super().__init__(self.message)

    def details(self) -> dict[str, Any]:
        """What this case adds to `{"code", "message", "field"}`."""
        return {}


class BadRequest(GatewayError):
    code, status = "bad_request", 400


class BadArguments(BadRequest):
    code = "bad_arguments"


class NotFound(GatewayError):
    code, status = "not_found", 404


class UnknownTool(NotFound):
    code = "unknown_tool"


class NotAllowed(GatewayError):
    code, status = "not_allowed", 403


class Refused(GatewayError):
    """The policy's no, with everything that helps the person to a yes."""

    code, status = "refused", 403

    def __init__(self, decision: Decision, decision_id: str = "") -> None:
        super().__init__(decision.reason)
        self.decision, self.decision_id = decision, decision_id

    def details(self) -> dict[str, Any]:
        return refusal(self.decision.summary() | {"id": self.decision_id})


class NeedsApproval(Refused):
    """Somebody else must say yes first; `approval` is what they decide on."""

    code = "needs_approval"

    def __init__(
        self, decision: Decision, approval: Mapping[str, Any], decision_id: str = ""
    ) -> None:
        super().__init__(decision, decision_id)
        self.approval = approval

    def details(self) -> dict[str, Any]:
        return super().details() | {"approval": self.approval}


class ApprovalRefused(Refused):
    """A person's no to this very call; the decision says it in the policy's terms."""

    code = "approval_refused"


class ApprovalExpired(ApprovalRefused):
    code = "approval_expired"


class NotConnected(GatewayError):
    """A server where everybody has an account of their own; `url` is where one is connected."""

    code, status = "not_connected", 403

    def __init__(self, server: str, *, again: bool = False) -> None:
        self.server, self.url = server, connect_url(server)
        what = (
            f"Your account at {server} has to be connected again"
            if again
            else (f"Your own account at {server} is not connected yet")
        )
        super().__init__(f"{what}. Connect it here: {self.url}")

    def details(self) -> dict[str, Any]:
        return {"server": self.server, "connect_url": self.url}


class ApprovalInvalid(GatewayError):
    code, status = "approval_invalid", 409


class AlreadyDecided(GatewayError):
    code, status = "already_decided", 409


class Conflict(GatewayError):
    code, status = "idempotency_conflict", 409


class LimitReached(GatewayError):
    """A limit's no, with which one it is, how much is used, and when it is over."""

    code, status = "limit_reached", 429

    def __init__(self, message: str = "", *, reached: PersonLimitReached | None = None) -> None:
        super().__init__(message or str(reached or ""))
        self.reached = reached

    def details(self) -> dict[str, Any]:
        return self.reached.details() if self.reached else {}


class PutOff(LimitReached):
    """A question's approved call meets its server's limit: its yes is kept, and the call waits."""

    code = "put_off"

    def __init__(self, approval: Mapping[str, Any], limit: LimitReached) -> None:
        super().__init__(limit.message, reached=limit.reached)
        self.approval = approval


class UpstreamFailed(GatewayError):
    """Not done, or said to have failed; `rejected` is the server's JSON-RPC error, if there is."""

    code, status = "upstream_failed", 502

    def __init__(self, message: str = "", *, rejected: Rejected | None = None) -> None:
        super().__init__(message)
        self.rejected = rejected


class ServerUnavailable(UpstreamFailed):
    """Nothing was sent, and nothing will be for so many seconds."""

    code, status = "server_unavailable", 503

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self._seconds = math.ceil(seconds)

    def details(self) -> dict[str, Any]:
        return {"reset_seconds": self._seconds}


class ServerBusy(UpstreamFailed):
    """Nothing was sent: there was no place."""

    code, status = "server_busy", 503


class OutcomeUnknown(GatewayError):
    code, status = "outcome_unknown", 504


class ModelFailed(GatewayError):
    code, status = "model_failed", 502


class Cancelled(GatewayError):
    code, status = "cancelled", 409
    sentence = "The question was cancelled."


class Expired(GatewayError):
    code, status = "expired", 504
    sentence = "The question was not answered in time."


class LeaseLost(GatewayError):
    code, status = "lease_lost", 409
    sentence = "Another worker has taken this question over."


class Unavailable(GatewayError):
    code, status = "unavailable", 503


def connect_url(server: str) -> str:
    """Where a person connects their own account at this server."""
    return f"{settings.PUBLIC_URL}/connections/#{server}"


def refusal(decision: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a decision that a person is shown."""
    shown = {name: decision.get(name, "") for name in ("layer", "rule", "reason", "fix")}
    return shown | {
        "grant_helps": decision.get("grant_helps", False),
        "decision_id": decision.get("id") or None,
    }


def new_error_id() -> str:
    """An id that stands both in the log and in what the person sees."""
    return secrets.token_hex(6)


def body(
    code: str, message: str, *, field: str = "", error_id: str = "", **more: Any
) -> dict[str, Any]:
    """The one shape of every error: `{"error": {"code", "message", "field"?, "error_id"?, …}}`."""
    error: dict[str, Any] = {"code": code, "message": message}
    if field:
        error["field"] = field
    if error_id:
        error["error_id"] = error_id
    return {"error": error | more}
