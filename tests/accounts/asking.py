"""The shortest way to ask a policy: a house where the role `dev` may do everything on `db`."""

from datetime import UTC, datetime

from accounts.policy import Decision, Grant, Subject, Target, compile_policy, decide

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OPEN = {
    "servers": {"db": {"role_restrictions": {"dev": {"allow_all": True}}}},
    "default_user": {"allowed_mcps": ["db"], "allowed_databases": ["sales", "hr"]},
}
ROLE_SAYS = "role_restrictions.dev on db: "
ALLOWED = ("allow", "role", ROLE_SAYS + "allow_all")
BYPASS = {"roles": {"dev": {"can_bypass_tool_restrictions": True}}}
NOWHERE = {"allowed_mcps": []}


def restricted(**said):
    """A house where the role `dev` has this restriction on `db`."""
    return {"servers": {"db": {"role_restrictions": {"dev": said}}}}


def grant(*tools, server="db", until=None):
    """A person with this grant and no other."""
    return {"grants": (Grant(server, tools, until),)}


def own(entry, **more):
    """A person with this entry of their own for `db`."""
    return {"allowed_mcps": {"db": entry}, **more}


def ask(
    document=None, *, tool="get_a", server="db", arguments=None, who=None, **target
) -> Decision:
    """Decide with `document` laid over the open house, for somebody with the role `dev`."""
    person = Subject("dev@example.com", **({"role": "dev"} | (who or {})))
    policy = compile_policy(OPEN | (document or {}))
    given = {} if arguments is None else arguments
    return decide(policy, person, Target(server, tool, **target), given, NOW)


def shown(document=None, *, tool="get_a", who=None) -> Decision:
    """The same before the arguments are known."""
    person = Subject("dev@example.com", **({"role": "dev"} | (who or {})))
    return decide(compile_policy(OPEN | (document or {})), person, Target("db", tool), None, NOW)


def answer(decision: Decision) -> tuple[str, str, str]:
    return str(decision.effect), str(decision.layer), decision.rule
