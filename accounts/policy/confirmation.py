"""Layer 10: what a person must say yes to first. It holds for everybody, super admins too."""

from accounts.policy.arguments import asked, may_be_asked
from accounts.policy.case import Case
from accounts.policy.model import Layer, Step, Verdict


def confirmation(case: Case) -> Step:
    """Ask for named tools, for broken rules with `effect: ask`, and for what may destroy."""
    target = case.target
    named = case.fitting(case.policy.confirmed)
    if named is not None:
        return _ask(case, f"require_confirmation.actions: {named}")
    rule = asked(case)
    if rule is not None:
        return _ask(case, f"{rule}: effect ask")
    server = case.policy.servers.get(target.server)
    if server is not None and server.confirm_destructive and target.destructive:
        return _ask(case, f"confirm_destructive of {target.server}")
    waiting = may_be_asked(case)
    if waiting:
        reason = "Whether somebody must say yes first depends on the arguments."
        return Step(Layer.CONFIRMATION, Verdict.UNKNOWN, waiting, reason)
    return Step(Layer.CONFIRMATION, Verdict.PASS, "", "Nobody needs to confirm it.")


def _ask(case: Case, rule: str) -> Step:
    reason = f"{case.target.tool} on {case.target.server} needs somebody's yes first."
    return Step(Layer.CONFIRMATION, Verdict.ASK, rule, reason, "ask for an approval")
