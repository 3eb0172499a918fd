"""One decision, with 500 rules and 2,000 tools; and all tools of one person, 5,000 of them.

    .venv/bin/python benchmarks/policy.py [--decisions 50000]

Pure: no database. The first decisions fill what the policy remembers, so they are timed apart.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from accounts.policy import Grant, Subject, Target, compile_policy, decide

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SERVERS = [f"server{number}" for number in range(20)]
VERBS = ("get", "list", "set", "drop", "run")
ROLES = [f"role{number}" for number in range(5)]
AIM_MICROSECONDS = 200


def document() -> dict[str, Any]:
    """Some 500 rules: blocks, exposures, restrictions of roles, argument rules, confirmations."""
    return {
        "blocked_tools": [f"drop_x{number}*" for number in range(50)],
        "admin_only_tools": [f"run_y{number}*" for number in range(50)],
        "groups": {"dangerous": [f"*_z{number}" for number in range(20)]},
        "servers": {
            server: {
                "tool_policy": {"mode": "allow_all_except", "exclude": ["internal_*"]},
                "role_restrictions": {
                    role: {"allow_only": ["get_*", "list_*", "set_b*"], "deny": ["*_c1?"]}
                    for role in ROLES
                },
            }
            for server in SERVERS
        },
        "roles": {role: {"allowed_tool_patterns": ["get_*", "q_*"]} for role in ROLES},
        "argument_rules": [
            {"tools": [f"set_{letter}{number}*"], "argument": "limit", "max": 10}
            for letter in "abc"
            for number in range(33)
        ],
        "require_confirmation": {"actions": [f"set_b{number}*" for number in range(50)]},
        "default_user": {"allowed_mcps": "*", "allowed_databases": ["sales"]},
    }


def tools(count: int, rng: random.Random) -> list[Target]:
    """That many tools, spread over the servers."""
    return [
        Target(SERVERS[number % 20], f"{rng.choice(VERBS)}_{rng.choice('abcxyz')}{number // 20}")
        for number in range(count)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=50_000)
    decisions = parser.parse_args().decisions
    rng = random.Random(1)
    targets = tools(2000, rng)
    people = [Subject("p@x", role=role, grants=(Grant("server1", ("set_*",)),)) for role in ROLES]
    policy = compile_policy(document())
    for name, arguments in (
        ("first, without arguments", None),
        ("without arguments", None),
        ("with arguments", {"limit": 5, "database": "sales"}),
    ):
        report(name, decisions, lambda given=arguments: decide(
            policy, rng.choice(people), rng.choice(targets), given, NOW
        ))  # fmt: skip
    listing(rng)


def report(name: str, count: int, ask: Callable[[], object]) -> None:
    """Time so many decisions one by one, and print their median and 99th percentile."""
    times = []
    for _ in range(count):
        started = time.perf_counter_ns()
        ask()
        times.append((time.perf_counter_ns() - started) / 1000)
    times.sort()
    middle, late = times[count // 2], times[count * 99 // 100]
    aim = f"the aim is {AIM_MICROSECONDS} µs"
    print(f"{name}: p50 {middle:.1f} µs, p99 {late:.1f} µs ({aim})")


def listing(rng: random.Random) -> None:
    """All tools of one person, by a policy that has decided nothing yet, and once more."""
    targets, policy = tools(5000, rng), compile_policy(document())
    person = Subject("p@x", role=ROLES[0])
    for name in ("5,000 tools of one person, first", "5,000 tools of one person, again"):
        started = time.perf_counter()
        for target in targets:
            decide(policy, person, target, None, NOW)
        print(f"{name}: {(time.perf_counter() - started) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
