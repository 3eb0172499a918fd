"""The shortest way to ask a policy: a house where the role `dev` may do everything on `db`."""

from datetime import UTC, datetime

from accounts.policy import Decision, Subject, Target, compile_policy, decide

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OPEN = {
    "servers": {"db": {"role_restrictions": {"dev": {"allow_all": True}}}},
    "default_user": {"allowed_mcps": ["db"], "allowed_databases": ["sales", "hr"]},
}


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
