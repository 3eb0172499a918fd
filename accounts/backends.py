"""How a person proves who they are by password, and what their role lets them do in the admin."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts import authority
from accounts.authority import Right
from accounts.models import User

_SEE, _ALL = ("view",), ("view", "add", "change", "delete")
# Which pages of the admin a right opens, and for what.
PAGES: dict[Right, dict[tuple[str, ...], tuple[str, ...]]] = {
    Right.MANAGE_USERS: {
        ("view", "add", "change"): ("accounts.user", "accounts.apikey"),
        _ALL: (
            "accounts.servergrant",
            "accounts.usagelimit",
            "accounts.provisioningrule",
        ),
        _SEE: ("accounts.role", "accounts.team"),
    },
    Right.PROMOTE_USERS: {
        ("view", "change"): ("accounts.user",),
        _SEE: ("accounts.role", "accounts.team"),
    },
    Right.MODIFY_CONFIG: {
        _ALL: (
            "accounts.role",
            "accounts.rule",
            "accounts.team",
            "registry.server",
            "registry.tool",
            "gateway.alertrule",
            "gateway.destination",
        ),
        ("view", "change"): ("registry.connectedaccount",),
        _SEE: ("accounts.policyversion", "registry.healthcheck"),
    },
    Right.VIEW_AUDIT_LOGS: {
        _SEE: (
            "audit.entry",
            "audit.block",
            "gateway.question",
            "gateway.call",
            "gateway.conversation",
            "gateway.turn",
            "gateway.approval",
            "gateway.incident",
            "accounts.policyversion",
        ),
    },
    Right.APPROVE_CALLS: {_SEE: ("gateway.approval",)},
}


class PasswordAndRole(ModelBackend):
    """Django's own backend; to the permissions given by name it adds those of the role's rights."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """All permissions of this person, by name or by right."""
        found = super().get_all_permissions(user_obj, obj)
        if obj is not None or not isinstance(user_obj, User):
            return found
        # Kept with the object, and so for one request, as Django keeps its own.
        kept: Any = user_obj
        if not hasattr(kept, "_of_rights"):
            kept._of_rights = of_rights(user_obj)
        return found | kept._of_rights


def of_rights(user: User) -> set[str]:
    """The permissions that this person's rights stand for."""
    return {
        f"{model.split('.')[0]}.{action}_{model.split('.')[1]}"
        for right, pages in PAGES.items()
        if authority.has(user, right)
        for actions, models in pages.items()
        for model in models
        for action in actions
    }
