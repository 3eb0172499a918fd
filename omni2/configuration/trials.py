"""The tests that mcps.yaml carries, run on what the import has written; where layer 8 decides."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils import timezone

from accounts import access
from accounts.models import Role, User
from accounts.policy import Decision, Policy, Subject, Target, compile_policy, decide
from accounts.policy.patterns import Glob
from gateway.toolbox import target_of, with_defaults
from omni2.configuration.checking import Checked
from registry import moving
from registry.models import Server, Tool


def run_tests(checked: Checked) -> int:
    """Run the file's tests and return how many; each that fails is added to its problems."""
    policy = compile_policy(access.build_document())
    tests = checked.data.get("tests", [])
    for index, test in enumerate(tests):
        if test is not None:
            complaint = _run(test, policy)
            if complaint:
                checked.refuse(f"tests[{index}]", complaint)
    return len(tests)


def _run(test: Mapping[str, Any], policy: Policy) -> str:
    """What is wrong with the test's outcome; empty when it is as expected."""
    subject = _subject(test)
    if isinstance(subject, str):
        return subject
    server = Server.objects.filter(name=test["server"]).first()
    if server is None:
        return f"there is no server {test['server']!r}"
    target, arguments = _call(server, test)
    decision = decide(policy, subject, target, arguments, timezone.now())
    if decision.effect == test["expect"]:
        return ""
    return f"the test fails: expected {test['expect']}, got {_said(decision)}"


def _said(decision: Decision) -> str:
    rule = f", {decision.rule}" if decision.rule else ""
    return f"{decision.effect} (layer {decision.layer}{rule}: {decision.reason})"


def _subject(test: Mapping[str, Any]) -> Subject | str:
    """The person, or somebody of the role who reaches every server; a text says what is wrong."""
    if ("person" in test) == ("role" in test):
        return "a test names either a person or a role"
    if "role" in test:
        if not Role.objects.filter(name=test["role"]).exists():
            return f"there is no role {test['role']!r}"
        return Subject.somebody_of(test["role"])
    user = User.objects.filter(email=test["person"].strip().lower()).first()
    return access.subject_of(user) if user else f"there is no person {test['person']!r}"


def _call(server: Server, test: Mapping[str, Any]) -> tuple[Target, dict[str, Any] | None]:
    arguments = test.get("arguments")
    tool = Tool.objects.select_related("server").filter(server=server, name=test["tool"]).first()
    if tool is None:
        # Not listed yet: as a tool that the server would offer, without a word about itself.
        return Target(server.name, test["tool"], server.enabled, tags=tuple(server.tags)), arguments
    target = target_of(tool)
    if tool.state == Tool.State.QUARANTINED and tool.state_reason == moving.ELSEWHERE:
        # Until its server is read where the file says that it is; the rules stand all the same.
        target = replace(target, state=Tool.State.OFFERED)
    return target, None if arguments is None else with_defaults(tool, dict(arguments))


def without_rule() -> list[str]:
    """A sentence for each role on whose tools, on some servers, only the default decides."""
    document = access.build_document()
    enabled = list(Server.objects.enabled().values_list("name", flat=True))
    sentences = []
    for name, role in document["roles"].items():
        bare = [server for server in enabled if not _speaks(document, name, role, server=server)]
        if bare:
            sentences.append(
                f"role {name} has no rule on {', '.join(bare)}: layer 8, default, decides "
                f"({document['default_effect']})"
            )
    return sentences


def _speaks(
    document: Mapping[str, Any], name: str, role: Mapping[str, Any], *, server: str
) -> bool:
    """Whether any rule of layer 7 speaks about this role's tools on this server."""
    restrictions = document["servers"].get(server, {}).get("role_restrictions", {})
    return bool(
        role["can_bypass_tool_restrictions"]
        or name in restrictions
        or server in role["allowed_mcp_tools"]
        or any(_reaches(pattern, server) for pattern in role["allowed_tool_patterns"])
    )


def _reaches(pattern: str, server: str) -> bool:
    half, slash, _tool = pattern.partition("/")
    return not slash or Glob(half).matches(server)
