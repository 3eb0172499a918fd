"""What is kept of a question (row, turns, calls, approvals), and of alerts."""

from gateway.models.alerts import AlertRule, Destination, Incident, Notice
from gateway.models.approvals import Approval, ApprovalQuerySet
from gateway.models.calls import Call, CallQuerySet
from gateway.models.outlets import Outlet
from gateway.models.questions import Conversation, Door, Question, QuestionQuerySet, Turn

__all__ = [
    "AlertRule",
    "Notice",
    "Outlet",
    "Destination",
    "Incident",
    "Approval",
    "ApprovalQuerySet",
    "Call",
    "CallQuerySet",
    "Conversation",
    "Door",
    "Question",
    "QuestionQuerySet",
    "Turn",
]
