"""What is kept of a question: its row, the model's turns, its calls and their approvals."""

from gateway.models.approvals import Approval, ApprovalQuerySet
from gateway.models.calls import Call, CallQuerySet
from gateway.models.questions import Conversation, Door, Question, QuestionQuerySet, Turn

__all__ = [
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
