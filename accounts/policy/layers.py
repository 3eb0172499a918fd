"""Layers 1 to 6: standing, blocks, admin only, exposure, reach and the person's own rule.

Each answers with one Step. `decide` asks them in order and stops at the first that decides.
"""

from collections.abc import Mapping

from accounts.policy.case import Case
from accounts.policy.model import Layer, Step, Verdict
from accounts.policy.patterns import PatternError
from accounts.policy.rules import ADMIN

# What is said of an account that is not active, after "The account".
STANDINGS = {
    "pending": "waits for approval",
    "suspended": "is suspended",
    "inactive": "is not active",
    "role_off": "has a role that is switched off",
}
_STATES = {
    "off": "is switched off",
    "quarantined": "is set aside until an administrator has looked at it",
    "gone": "is no longer listed by its server",
}


def standing(case: Case) -> Step:
    """Person, server and tool must take part at all."""
    subject, target = case.subject, case.target
    if subject.status != "active":
        word = STANDINGS.get(subject.status, "has no known standing")
        return _deny(
            Layer.STANDING,
            f"status of {subject.person}: {subject.status}",
            f"The account {word}.",
            fix=f"ask an administrator to {_way_back(subject.status)}",
        )
    if target.server_off:
        return _deny(
            Layer.STANDING,
            f"{target.server}: kill switch",
            f"The server {target.server} is switched off.",
            fix=f"ask an administrator to switch {target.server} on again",
        )
    if not target.enabled:
        return _deny(
            Layer.STANDING,
            f"{target.server}: enabled is false",
            f"The server {target.server} is disabled.",
            fix=f"ask an administrator to enable {target.server}",
        )
    if target.state != "offered":
        word = _STATES.get(target.state, "is in no known state")
        return _deny(
            Layer.STANDING,
            f"state of {target.tool} on {target.server}: {target.state}",
            f"The tool {target.tool} {word}.",
            fix=f"ask an administrator to look at {target.tool} on {target.server}",
        )
    if target.shows_record and not (subject.views_record or subject.super_admin):
        return _deny(
            Layer.STANDING,
            f"can_view_audit_logs for {target.server}",
            f"{target.tool} shows the record, which the account may not view.",
            fix="ask for a role that may view the record",
        )
    return Step(Layer.STANDING, Verdict.PASS, "", "Person, server and tool take part.")


def _way_back(status: str) -> str:
    return "switch the role on again" if status == "role_off" else "activate the account"


def blocks(case: Case) -> Step:
    """Tools blocked for everybody, and dangerous ones."""
    rule = _block(case)
    if rule is None:
        return Step(Layer.BLOCKS, Verdict.PASS, "", "No global block names the tool.")
    if case.bypasses:
        return _bypass(Layer.BLOCKS, rule, case)
    return _deny(
        Layer.BLOCKS,
        rule,
        f"{case.target.tool} is blocked for everybody.",
        fix=f"ask an administrator to take it out of {rule.partition(':')[0]}",
    )


def _block(case: Case) -> str | None:
    blocked = case.fitting(case.policy.blocked)
    if blocked is not None:
        return f"global.blocked_tools: {blocked}"
    if case.all_roles("dangerous"):
        return None
    dangerous = case.fitting(case.policy.dangerous)
    return None if dangerous is None else f"tool_patterns.dangerous: {dangerous}"


def admin_only(case: Case) -> Step:
    """Tools kept for administrators."""
    pattern = case.fitting(case.policy.admin_only)
    if pattern is None:
        return Step(Layer.ADMIN_ONLY, Verdict.PASS, "", "The tool is not for administrators only.")
    rule = f"global.admin_only_tools: {pattern}"
    if case.admin:
        return Step(Layer.ADMIN_ONLY, Verdict.PASS, rule, "An administrator may.")
    if case.bypasses:
        return _bypass(Layer.ADMIN_ONLY, rule, case)
    return _deny(
        Layer.ADMIN_ONLY,
        rule,
        f"{case.target.tool} is for administrators only.",
        fix=f"ask somebody with the role {ADMIN}",
    )


def exposure(case: Case) -> Step:
    """What the server's own policy does not expose is there for nobody."""
    server = case.target.server
    said = case.policy.servers.get(server)
    if said is None or said.exposure is None:
        return Step(Layer.EXPOSURE, Verdict.PASS, "", f"{server} exposes all its tools.")
    mode, pattern = said.exposure.mode, case.fitting(said.exposure.patterns)
    rule = f"tool_policy of {server}: {mode}"
    if mode == "allow_all" or (mode == "allow_only") == (pattern is not None):
        shown = f"{rule} {pattern}" if pattern else rule
        return Step(Layer.EXPOSURE, Verdict.PASS, shown, f"{server} exposes the tool.")
    return _deny(
        Layer.EXPOSURE,
        f"{rule} {pattern or said.exposure.patterns}",
        f"{server} does not expose {case.target.tool} to anybody.",
        fix=f"ask an administrator to expose {case.target.tool} in the tool_policy of {server}",
    )


def reach(case: Case) -> Step:
    """Which servers the person gets to, and which of them the API key."""
    server, only = case.target.server, case.subject.only_servers
    if only is not None and server not in only:
        return _deny(
            Layer.REACH,
            f"API key: only {', '.join(sorted(only)) or 'no server'}",
            f"The API key does not reach {server}.",
            fix=f"use a key that includes {server}",
        )
    if case.subject.super_admin or case.admin:
        return Step(Layer.REACH, Verdict.PASS, "", "An administrator reaches every server.")
    if _listed(case):
        return Step(Layer.REACH, Verdict.PASS, case.reach_name, f"{server} is within reach.")
    if case.grants:
        return Step(Layer.REACH, Verdict.PASS, f"grant on {server}", "A grant adds the server.")
    return deny_without_grant(Layer.REACH, case.reach_name, f"{server} is out of reach.", case)


def _listed(case: Case) -> bool:
    said = case.allowed_mcps
    return said == "*" or (isinstance(said, (list, tuple, Mapping)) and case.target.server in said)


def own_rule(case: Case) -> Step:
    """What the person's own entry for the server says; grants add to it and never take away."""
    try:
        return _own_rule(case)
    except PatternError as error:
        return _deny(
            Layer.OWN_RULE,
            _own_name(case),
            f"The entry cannot be read: {error}.",
            fix="ask an administrator to correct it",
        )


def _own_rule(case: Case) -> Step:
    entry = _own_entry(case)
    denied = _fitting(case, entry.get("deny"))
    if denied is not None:
        fix = f"ask an administrator to take {denied} out of the deny list"
        return _own_denial(case, f"{_own_name(case)}: deny {denied}", fix=fix)
    for grant in case.grants:
        granted = _granted(case, grant.tools)
        if granted is not None:
            until = f" until {grant.expires_at:%Y-%m-%d %H:%M}" if grant.expires_at else ""
            return _own_yes(f"grant on {case.target.server}{until}: {granted}")
    return _by_mode(case, entry)


def _by_mode(case: Case, entry: Mapping[str, object]) -> Step:
    mode, name = entry.get("mode"), _own_name(case)
    if mode == "all":
        return _own_yes(f"{name}: all")
    if mode == "custom":
        allowed = _fitting(case, entry.get("tools"))
        return _own_yes(f"{name}: {allowed}") if allowed else _own_denial(case, f"{name}: custom")
    if mode == "none":
        return _own_denial(case, f"{name}: none")
    if mode == "grants":
        return _own_denial(case, f"grant on {case.target.server}")
    if mode == "inherit":
        return Step(Layer.OWN_RULE, Verdict.PASS, "", "No own rule decides; the role is asked.")
    raise PatternError(f"unknown mode {mode!r}")


def _own_entry(case: Case) -> Mapping[str, object]:
    """The person's entry as a mapping with a mode, whatever way it was written."""
    said = case.allowed_mcps
    if not _listed(case):
        administrates = case.subject.super_admin or case.admin
        return {"mode": "inherit" if administrates else "grants"}
    if not isinstance(said, Mapping):
        return {"mode": "inherit"}
    entry = said[case.target.server]
    if entry == "*":
        return {"mode": "all"}
    if not isinstance(entry, Mapping):
        raise PatternError("a mode is expected")
    return entry


def _own_name(case: Case) -> str:
    return f"{case.reach_name} for {case.target.server}"


def _fitting(case: Case, texts: object) -> str | None:
    """The first of a person's patterns that fits; raises PatternError when they cannot be read."""
    if texts is None:
        return None
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise PatternError("a list of patterns is expected")
    return case.fitting(case.policy.patterns(texts)) if texts else None


def _granted(case: Case, tools: object) -> str | None:
    """A grant that cannot be read grants nothing, and takes nothing away."""
    try:
        return _fitting(case, tools)
    except PatternError:
        return None


def _own_yes(rule: str) -> Step:
    return Step(Layer.OWN_RULE, Verdict.ALLOW, rule, "The person's own rule allows it.")


def _own_denial(case: Case, rule: str, *, fix: str = "") -> Step:
    reason = f"The person's own rule for {case.target.server} leaves {case.target.tool} out."
    if fix:
        return _deny(Layer.OWN_RULE, rule, reason, fix=fix)
    return deny_without_grant(Layer.OWN_RULE, rule, reason, case)


def deny_without_grant(layer: Layer, rule: str, reason: str, case: Case) -> Step:
    """A no that a grant would turn into a yes; the smallest one is of one tool of one server."""
    fix = f"ask for {case.target.tool} on {case.target.server}"
    return Step(layer, Verdict.DENY, rule, reason, fix, grant_helps=True)


def _bypass(layer: Layer, rule: str, case: Case) -> Step:
    by = "a super admin" if case.subject.super_admin else f"the role {case.role_names}"
    return Step(layer, Verdict.BYPASS, rule, f"Bypassed by {by}; the bypass is on the record.")


def _deny(layer: Layer, rule: str, reason: str, *, fix: str) -> Step:
    return Step(layer, Verdict.DENY, rule, reason, fix)
