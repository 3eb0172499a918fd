"""How long the list of one person's tools takes over 5,000 tools: first look, and again.

    .venv/bin/python benchmarks/listing.py [--tools 5000] [--people 40]

SQLite in a temporary folder, 50 servers, 500 rules, 10 roles. "first" is somebody's first list in a
process that knows the tools; "again" is the same list while nothing has changed; "after a change"
is the first list after the policy has changed, with everything read anew. Medians, milliseconds.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SERVERS, ROLES = 50, 10
VERBS = ("get", "list", "write", "drop", "run", "export")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=int, default=5000)
    parser.add_argument("--people", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "omni2.settings",
            "OMNI2_DATA_DIR": folder,
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        measure(options.tools, options.people)


def measure(tools: int, people: int) -> None:
    import django  # noqa: PLC0415  needs the environment

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from accounts import access  # noqa: PLC0415
    from gateway import toolbox  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    askers = furnish(tools, people)
    toolbox.open_for(askers[0])
    first = [milliseconds(lambda one=one: toolbox.open_for(one)) for one in askers[1:]]
    again = [milliseconds(lambda: toolbox.open_for(askers[-1])) for _ in range(50)]
    changed = []
    for number in range(5):
        block(f"drop_{number}*")
        access.publish("benchmark")
        changed.append(milliseconds(lambda: toolbox.open_for(askers[0])))
    offered = len(toolbox.open_for(askers[0]).offered)
    print(f"{tools} tools, {offered} of them offered")
    for name, times in {"first": first, "again": again, "after a change": changed}.items():
        print(f"{name:16}{statistics.median(times):8.2f} ms   worst {max(times):8.2f}")


def milliseconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


def furnish(tools: int, people: int) -> list:
    """Servers, tools, roles with a rule on each server, and people of these roles."""
    from accounts import access  # noqa: PLC0415
    from accounts.models import Role, Rule, User  # noqa: PLC0415
    from audit.record import Who  # noqa: PLC0415
    from gateway.asker import Asker  # noqa: PLC0415
    from registry.models import Server, Tool  # noqa: PLC0415

    servers = [
        Server.objects.create(name=f"server{number}", transport=Server.Transport.STDIO)
        for number in range(SERVERS)
    ]
    Tool.objects.bulk_create(
        Tool(
            server=(server := servers[number % SERVERS]),
            name=(name := f"{VERBS[number % len(VERBS)]}_thing_{number}"),
            qualified_name=f"{server.name}__{name}",
            fingerprint="f",
            description="Does a thing.",
            input_schema={"type": "object", "properties": {"id": {"type": "string"}}},
        )
        for number in range(tools)
    )
    roles = [Role.objects.create(name=f"role{number}") for number in range(ROLES)]
    Rule.objects.bulk_create(
        Rule(
            kind=Rule.Kind.ROLE,
            server=server.name,
            role=role.name,
            mode="allow_only",
            patterns=["get_*", "list_*", f"run_thing_{number}*"],
        )
        for number, role in enumerate(roles)
        for server in servers
    )
    block("drop_database*")
    access.publish("benchmark")
    made = [
        User.objects.create(email=f"p{number}@example.com", role=roles[number % ROLES])
        for number in range(people)
    ]
    User.objects.update(allowed_mcps="*")
    return [Asker(user, Who(person=user.email)) for user in made]


def block(pattern: str) -> None:
    from accounts.models import Rule  # noqa: PLC0415

    position = Rule.objects.filter(kind=Rule.Kind.BLOCKED).count()
    Rule.objects.create(kind=Rule.Kind.BLOCKED, patterns=[pattern], position=position)


if __name__ == "__main__":
    main()
