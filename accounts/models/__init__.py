"""People, what they may do, and how they prove who they are."""

from accounts.models.keys import ApiKey, SetupLink
from accounts.models.limits import Counter, Hold, Meter, UsageLimit
from accounts.models.people import Role, ServerGrant, Team, User
from accounts.models.requests import AccessRequest
from accounts.models.rules import PolicyVersion, ProvisioningRule, Rule
from accounts.models.sessions import BrowserSession

__all__ = [
    "AccessRequest",
    "ApiKey",
    "BrowserSession",
    "Counter",
    "Hold",
    "Meter",
    "PolicyVersion",
    "ProvisioningRule",
    "Role",
    "Rule",
    "ServerGrant",
    "SetupLink",
    "Team",
    "UsageLimit",
    "User",
]
