"""The pages of questions and what they led to, of approvals, of requests for access, of alerts."""

from gateway.admin.alerts import AlertRuleAdmin, DestinationAdmin, IncidentAdmin
from gateway.admin.approvals import ApprovalAdmin
from gateway.admin.requests import AccessRequestAdmin
from gateway.admin.story import CallAdmin, ConversationAdmin, QuestionAdmin, TurnAdmin

__all__ = [
    "AccessRequestAdmin",
    "AlertRuleAdmin",
    "ApprovalAdmin",
    "CallAdmin",
    "ConversationAdmin",
    "DestinationAdmin",
    "IncidentAdmin",
    "QuestionAdmin",
    "TurnAdmin",
]
