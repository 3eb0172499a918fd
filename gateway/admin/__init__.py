"""The pages of questions and what they led to, and of requests for access."""

from gateway.admin.requests import AccessRequestAdmin
from gateway.admin.story import CallAdmin, ConversationAdmin, QuestionAdmin, TurnAdmin

__all__ = ["AccessRequestAdmin", "CallAdmin", "ConversationAdmin", "QuestionAdmin", "TurnAdmin"]
