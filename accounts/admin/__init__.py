"""The pages of people and policy."""

from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.people import GroupAdmin, UserAdmin
from accounts.admin.policy import RoleAdmin, RuleAdmin, TeamAdmin
from accounts.admin.reach import ProvisioningRuleAdmin, ServerGrantAdmin, UsageLimitAdmin
from accounts.admin.versions import PolicyVersionAdmin

__all__ = [
    "ApiKeyAdmin",
    "GroupAdmin",
    "PolicyVersionAdmin",
    "ProvisioningRuleAdmin",
    "RoleAdmin",
    "RuleAdmin",
    "ServerGrantAdmin",
    "TeamAdmin",
    "UsageLimitAdmin",
    "UserAdmin",
]
