"""What the made-up entries say, each prepared by the record's own writer."""

import random
from decimal import Decimal
from typing import Any

from audit import record
from audit.generation.templates import CUSTOMER, TICKET, Template
from audit.models import Entry
from audit.record import Who

PHRASES = (
    f"How much did {CUSTOMER} spend last quarter, and is {TICKET} still open?",
    f"Summarise the open invoices of {CUSTOMER}",
    f"Who worked on {TICKET} and what did they find out?",
    f"Which contracts of {CUSTOMER} end within the next ninety days?",
    "Compare this month's revenue by region with the forecast",
    "What changed in the warehouse stock since Monday morning?",
    f"Is there anything unusual about the latest deliveries to {CUSTOMER}?",
    "List the slowest database queries of the payment service",
)
ERRORS = ("tool_failed", "timeout", "unreachable", "bad_answer")
POLICY = "4c0de7" + "0" * 58
Kind, Outcome = Entry.Kind, Entry.Outcome

# So that a template has these columns; each entry made of it has its own.
_WHO = Who(person="p", role="r", door="d", address="a")


def _made(kind: Entry.Kind, outcome: Entry.Outcome, **facts: Any) -> Template:
    return Template(record.prepare(kind, outcome, **facts))


def _decision(effect: str, tool: str) -> dict[str, Any]:
    rules = {"allow": ("role", "developers may"), "deny": ("group", "no bulk changes")}
    layer, rule = rules.get(effect, ("approval", "somebody else's yes"))
    deed = tool.partition("_")[0]
    reason = f"The rule “{rule}” says {effect} to {deed}_* here."
    return {"effect": effect, "layer": layer, "rule": f"{rule}: {deed}_*", "reason": reason}


def _padding(thing: str) -> str:
    return f"Each of the {thing} has an owner, a state and a date of its last change. " * 3


def calls(server: str, tool: str, *, chance: random.Random) -> dict[str, Template]:
    """The entries of one way to call this tool, by what becomes of it."""
    thing = tool.partition("_")[2]
    facts = _asked_of(server, tool, chance=chance)
    allowed = facts | {"decision": _decision("allow", tool)}
    amount, error = chance.randint(3, 90_000), chance.choice(ERRORS)
    result = f"{amount} {thing} of {CUSTOMER}; the newest one is {TICKET}. " + _padding(thing)
    denied = facts | {"decision": _decision("deny", tool), "error_code": "refused"}
    asked = facts | {"decision": _decision("ask", tool)}
    return {
        "calling": _made(Kind.CALL_CALLING, Outcome.PENDING, **allowed),
        "done": _made(Kind.CALL_CALLED, Outcome.OK, result=result, **allowed),
        "failed": _made(Kind.CALL_CALLED, Outcome.FAILED, error_code=error, **allowed),
        "unknown": _made(Kind.CALL_CALLED, Outcome.UNKNOWN, error_code="timeout", **allowed),
        "refused": _made(Kind.CALL_REFUSED, Outcome.REFUSED, **denied),
        "asked": _made(Kind.APPROVAL_ASKED, Outcome.PENDING, **asked),
        "given": _made(Kind.APPROVAL_GIVEN, Outcome.OK, **facts),
    }


def _asked_of(server: str, tool: str, *, chance: random.Random) -> dict[str, Any]:
    arguments: dict[str, Any] = {"customer": CUSTOMER, "limit": chance.randint(5, 100)}
    if chance.random() < 0.5:
        arguments = {"ticket": TICKET, "fields": ["owner", "state", tool.partition("_")[2]]}
    return {
        "who": _WHO,
        "server": server,
        "tool": tool,
        "fingerprint": f"{chance.getrandbits(256):064x}",
        "arguments": arguments,
        "policy_version": POLICY,
        "inputs": {"subject": {"roles": ["developer"], "teams": ["red"]}, "server": server},
    }


def question(phrase: str) -> Template:
    """One that was asked and taken up."""
    said = {"question": phrase, "conversation": "0" * 36}
    return _made(
        Kind.QUESTION_ACCEPTED, Outcome.PENDING, who=_WHO, detail=said, policy_version=POLICY
    )


def turn(tools: int) -> Template:
    """One of the model's, which asked for so many tools."""
    detail = {
        "model": "model-large",
        "stop": "tool_use" if tools else "end_turn",
        "offered": 64,
        "asked_for": ["a__tool"] * tools,
    }
    tokens = {"input": 1, "output": 1, "cache_read": 0, "cache_write": 0}
    return _made(
        Kind.MODEL_TURN,
        Outcome.OK,
        who=_WHO,
        tokens=tokens,
        cost=Decimal(1),
        detail=detail,
        policy_version=POLICY,
    )


def ended(outcome: Entry.Outcome) -> Template:
    """The end of a question."""
    fine = outcome == Outcome.OK
    return _made(
        Kind.QUESTION_ENDED,
        outcome,
        who=_WHO,
        result=f"{CUSTOMER}: nothing unusual; see {TICKET}. " + _padding("answers"),
        tokens={"input": 1, "output": 1, "cache_read": 0, "cache_write": 0},
        cost=Decimal(1),
        error_code="" if fine else "model_failed",
        detail={"state": "answered" if fine else "failed", "model": "model-large"},
        policy_version=POLICY,
    )


def others() -> list[Template]:
    """What happens besides questions and calls, the most frequent first."""
    health = {"before": "up", "now": "down", "error": "no answer within 5 s"}
    change = {"action": "changed", "model": "accounts.role", "name": "analyst"}
    return [
        _made(Kind.AUTH_LOGIN, Outcome.OK, who=_WHO),
        _made(Kind.KEY_USED, Outcome.OK, who=_WHO),
        _made(Kind.AUTH_REFUSED, Outcome.REFUSED, who=_WHO, detail={"reason": "wrong secret"}),
        _made(Kind.LIMIT_REACHED, Outcome.REFUSED, who=_WHO, error_code="limit_reached"),
        _made(Kind.REGISTRY_HEALTH, Outcome.FAILED, server="crm_mcp", detail=health),
        _made(Kind.ADMIN_CHANGED, Outcome.OK, who=_WHO, detail=change),
        _made(Kind.GRANT_GIVEN, Outcome.OK, who=_WHO, server="billing_mcp"),
        _made(Kind.REGISTRY_DRIFT, Outcome.OK, server="wiki_mcp", tool="search_orders"),
    ]
