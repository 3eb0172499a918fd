"""The policy: who may call which tool, with which arguments.

Pure: no Django, no clock, no database. `docs/policy.md` is the page for people who write rules.
"""

from accounts.policy.compile import check_allowed_mcps, compile_policy, digest_of
from accounts.policy.decide import decide
from accounts.policy.inputs import Inputs
from accounts.policy.layers import STANDINGS
from accounts.policy.listing import effects
from accounts.policy.model import Decision, Effect, Grant, Layer, Step, Subject, Target, Verdict
from accounts.policy.patterns import PatternError, check_granted, check_pattern, matches
from accounts.policy.reading import PolicyError
from accounts.policy.rules import Policy, in_group

__all__ = [
    "STANDINGS",
    "Decision",
    "Effect",
    "Grant",
    "Inputs",
    "Layer",
    "PatternError",
    "Policy",
    "PolicyError",
    "Step",
    "Subject",
    "Target",
    "Verdict",
    "check_allowed_mcps",
    "check_granted",
    "check_pattern",
    "compile_policy",
    "decide",
    "digest_of",
    "effects",
    "in_group",
    "matches",
]
