"""A draft of the policy against 100,000 recorded calls: how long, on one core.

    .venv/bin/python benchmarks/backtest.py [--calls 100000] [--people 200]

Writes the calls to a SQLite database in a temporary folder, as the gateway writes them: by
`audit.record`, with what their decisions rested on. Timed is what `import_policy --against` does:
reading them, and deciding each by the policy in force and by a draft.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SERVERS = [f"server{number}" for number in range(50)]
VERBS = ("get", "list", "find", "set", "delete")
ROLES = [f"role{number}" for number in range(8)]
AIM_SECONDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_DATA_DIR": folder,
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        import django  # noqa: PLC0415  after its settings are chosen

        django.setup()
        run(options.calls, options.people)


def run(calls: int, people: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415  after django.setup
    from django.utils import timezone  # noqa: PLC0415

    from accounts.backtest import rehearse  # noqa: PLC0415
    from accounts.effects import Snapshot  # noqa: PLC0415
    from accounts.policy import compile_policy  # noqa: PLC0415
    from accounts.recorded_calls import recorded_since  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    before, after = document("get_*", "list_*"), document("get_*", "find_*")
    policies = [compile_policy(one) for one in (before, after)]
    started = time.perf_counter()
    write(calls, people, policies[0])
    print(f"{calls:,} calls written in {time.perf_counter() - started:.1f} s")
    snapshots = [
        Snapshot(one, policy, {}, {}) for one, policy in zip((before, after), policies, strict=True)
    ]
    started, cpu = time.perf_counter(), time.process_time()
    found = rehearse(recorded_since(timezone.now() - timedelta(days=30)), *snapshots)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(found.summary())
    print(f"rehearsed in {seconds:.1f} s ({cpu:.1f} s of one core; the aim is {AIM_SECONDS} s)")


def document(*allowed: str) -> dict[str, Any]:
    """A policy of some 500 rules, in which each role may call what `allowed` covers."""
    restrictions = {role: {"allow_only": list(allowed), "deny": ["*_99"]} for role in ROLES}
    return {
        "blocked_tools": [f"delete_{number}*" for number in range(20)],
        "servers": {server: {"role_restrictions": restrictions} for server in SERVERS},
        "roles": {role: {"denied_tools": ["set_9*"]} for role in ROLES},
        "argument_rules": [
            {"tools": [f"{verb}_{number}"], "argument": "limit", "max": 900}
            for verb in VERBS
            for number in range(10)
        ],
        "default_user": {"allowed_mcps": "*", "allowed_databases": ["sales", "hr"]},
    }


def write(calls: int, people: int, policy: Any) -> None:
    from audit import record  # noqa: PLC0415  after django.setup

    batch = []
    for facts in facts_of(calls, people, policy):
        batch.append(record.prepare("call.calling", "pending", **facts))
        if len(batch) == 2000:
            record.write_many(batch)
            batch = []
    record.write_many(batch)


def facts_of(calls: int, people: int, policy: Any) -> Iterator[Any]:
    from django.utils import timezone  # noqa: PLC0415  after django.setup

    from accounts.policy import Grant, Inputs, Subject, Target  # noqa: PLC0415

    rng, now = random.Random(3), timezone.now()
    staff = [
        Subject(
            f"person{number}@example.com",
            role=rng.choice(ROLES),
            grants=(Grant(rng.choice(SERVERS), ("set_*",), now),) if number % 5 == 0 else (),
        )
        for number in range(people)
    ]
    for _ in range(calls):
        tool = f"{rng.choice(VERBS)}_{rng.randrange(40)}"
        inputs = Inputs(rng.choice(staff), Target(rng.choice(SERVERS), tool), now)
        given = {"limit": rng.randrange(1000), "text": f"question {rng.random()}"}
        if rng.random() < 0.2:
            given["database"] = rng.choice(("sales", "hr", "prod"))
        decision = inputs.decide(policy, given).summary()
        yield {"decision": decision, "arguments": given, "inputs": inputs.as_json()}


if __name__ == "__main__":
    main()
