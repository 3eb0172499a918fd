"""The pages of questions and what they led to, of approvals, and of requests for access."""

from gateway.admin.approvals import ApprovalAdmin
from gateway.admin.requests import AccessRequestAdmin
from gateway.admin.story import CallAdmin, ConversationAdmin, QuestionAdmin, TurnAdmin

__all__ = [
    "AccessRequestAdmin",
    "ApprovalAdmin",
    "CallAdmin",
    "ConversationAdmin",
    "QuestionAdmin",
    "TurnAdmin",
]
