"""What a change of the policy may say of single people: role, own entry, what grants keep."""

from collections.abc import Sequence
from typing import Any

from accounts.models import Role, ServerGrant, User


def set_role(email: str, name: str) -> list[str]:
    """Give a person this role; say what that changed. Raises Role.DoesNotExist."""
    person = User.objects.select_related("role").get(email=email)
    role, before = Role.objects.get(name=name), person.role
    if before == role:
        return []
    person.role = role
    person.save(update_fields=["role"])
    return [f"person {email}: role {before.name if before else 'nothing'} → {name}"]


def set_reach(email: str, allowed_mcps: Any) -> list[str]:
    """Make a person's own entry be this; say what that changed."""
    person = User.objects.get(email=email)
    before = person.allowed_mcps
    if before == allowed_mcps:
        return []
    person.allowed_mcps = allowed_mcps
    person.save(update_fields=["allowed_mcps"])
    return [f"person {email}: allowed_mcps {before!r} → {allowed_mcps!r}"]


def narrow_grants(email: str, server: str, tools: Sequence[str]) -> list[str]:
    """Make the person's grants on the server be of these tools; none revokes them."""
    grants = ServerGrant.objects.unexpired().filter(user__email=email, server=server)
    changes = []
    for grant in grants.order_by("pk"):
        if not tools:
            grant.delete()
            changes.append(f"grant {email} on {server}: revoked ({', '.join(grant.tools)})")
        elif grant.tools != list(tools):
            changes.append(f"grant {email} on {server}: {grant.tools} → {list(tools)}")
            grant.tools = list(tools)
            grant.save(update_fields=["tools"])
    return changes
