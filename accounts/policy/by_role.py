"""Layers 7 and 8: what the role says, and what holds when nobody has said anything."""

from collections.abc import Iterator

from accounts.policy.case import Case
from accounts.policy.layers import deny_without_grant
from accounts.policy.model import Layer, Step, Verdict
from accounts.policy.rules import Restriction, RoleRules


def role(case: Case) -> Step:
    """A bypass allows; else any denial wins; else any permission allows; else nothing is said."""
    target, name = case.target, case.role_names
    if case.subject.super_admin:
        return Step(Layer.ROLE, Verdict.ALLOW, "super admin", "A super admin may call every tool.")
    if case.bypasses:
        rule = f"roles.{name}.can_bypass_tool_restrictions"
        return Step(Layer.ROLE, Verdict.ALLOW, rule, f"The role {name} may call every tool.")
    denial = _first(_denials(case, one) for one in case.roles)
    if denial:
        reason = f"The role {name} may not call {target.tool} on {target.server}."
        return deny_without_grant(Layer.ROLE, denial, reason, case)
    permission = _first(_permissions(case, one) for one in case.roles)
    if permission:
        return Step(Layer.ROLE, Verdict.ALLOW, permission, f"The role {name} may.")
    reason = f"The role {name} says nothing." if name else "The person has no role."
    return Step(Layer.ROLE, Verdict.PASS, "", reason)


def default(case: Case) -> Step:
    """Where no rule decides, `default_effect` does: deny, unless the configuration says allow."""
    if case.policy.default_allows:
        rule = "global.default_effect: allow"
        return Step(Layer.DEFAULT, Verdict.ALLOW, rule, "No rule decides, and the default allows.")
    who = f"the role {case.role_names}" if case.roles else "a person without a role"
    reason = f"No rule gives {who} {case.target.tool} on {case.target.server}."
    return deny_without_grant(Layer.DEFAULT, "global.default_effect: deny", reason, case)


def _first(found: Iterator[Iterator[str]]) -> str | None:
    return next((rule for rules in found for rule in rules), None)


def _restriction(case: Case, rules: RoleRules) -> Restriction | None:
    server = case.policy.servers.get(case.target.server)
    return None if server is None else server.restrictions.get(rules.name)


def _denials(case: Case, rules: RoleRules) -> Iterator[str]:
    said = _restriction(case, rules)
    name = f"role_restrictions.{rules.name} on {case.target.server}"
    if said is not None and said.deny_all:
        yield f"{name}: deny_all"
    for key in ("deny", "allow_all_except"):
        patterns = None if said is None else getattr(said, key)
        found = None if patterns is None else case.fitting(patterns)
        if found is not None:
            yield f"{name}: {key} {found}"
    denied = case.fitting(rules.denied)
    if denied is not None:
        yield f"roles.{rules.name}.denied_tools: {denied}"
    if said is not None and said.allow_only is not None and case.fitting(said.allow_only) is None:
        yield f"{name}: allow_only {said.allow_only}"


def _permissions(case: Case, rules: RoleRules) -> Iterator[str]:
    """What allows, once nothing denies: then `deny` and `allow_all_except` leave the tool over."""
    said = _restriction(case, rules)
    if said is not None:
        name = f"role_restrictions.{rules.name} on {case.target.server}"
        if said.allow_all:
            yield f"{name}: allow_all"
        for key in ("allow_only", "deny", "allow_all_except"):
            patterns = getattr(said, key)
            if patterns is not None:
                yield f"{name}: {key} {case.fitting(patterns) or patterns}"
    on_server = rules.allowed_on.get(case.target.server)
    found = None if on_server is None else case.fitting(on_server)
    if found is not None:
        yield f"roles.{rules.name}.allowed_mcp_tools.{case.target.server}: {found}"
    anywhere = case.fitting(rules.allowed)
    if anywhere is not None:
        yield f"roles.{rules.name}.allowed_tool_patterns: {anywhere}"
