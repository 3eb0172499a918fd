"""The one function that decides, for showing a tool and for calling it alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.policy.arguments import arguments as argument_rules
from accounts.policy.by_role import default, role
from accounts.policy.case import Case
from accounts.policy.confirmation import confirmation
from accounts.policy.layers import admin_only, blocks, exposure, own_rule, reach, standing
from accounts.policy.model import Decision, Effect, Step, Subject, Target, Verdict
from accounts.policy.rules import Policy

WHO_MAY = (standing, blocks, admin_only, exposure, reach, own_rule, role, default)
ON_WHAT_TERMS = (argument_rules, confirmation)


def decide(
    policy: Policy,
    subject: Subject,
    target: Target,
    arguments: Mapping[str, Any] | None,
    now: datetime,
) -> Decision:
    """Whether the subject may call the target with these arguments; `now` carries its time zone.

    `arguments=None` asks whether the tool may be shown: what the arguments decide is then not yet
    known, but a tool is never shown when no arguments whatever could be allowed.
    """
    return decide_case(Case.of(policy, subject, target=target, arguments=arguments, now=now))


def decide_case(case: Case) -> Decision:
    """Ask the layers in their order, until one decides."""
    trace: list[Step] = []
    for layer in WHO_MAY:
        step = layer(case)
        trace.append(step)
        if step.verdict in (Verdict.DENY, Verdict.ALLOW):
            break
    allowing = trace[-1]
    if allowing.verdict != Verdict.ALLOW:
        return _decision(Effect.DENY, allowing, trace)
    for layer in ON_WHAT_TERMS:
        step = layer(case)
        trace.append(step)
        if step.verdict == Verdict.DENY:
            return _decision(Effect.DENY, step, trace)
        if step.verdict == Verdict.ASK:
            return _decision(Effect.ASK, step, trace)
    return _decision(Effect.ALLOW, allowing, trace)


def _decision(effect: Effect, step: Step, trace: list[Step]) -> Decision:
    return Decision(
        effect=effect,
        layer=step.layer,
        rule=step.rule,
        reason=step.reason,
        fix=step.fix,
        trace=tuple(trace),
        bypassed=tuple(one.rule for one in trace if one.verdict == Verdict.BYPASS),
        grant_helps=step.grant_helps,
    )
