"""The files, all or none: read, check, apply in one transaction, test, publish, record."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from django.db import transaction

from accounts import access, versions
from accounts import importing as accounts_importing
from accounts.effects import Snapshot
from accounts.importing import PeopleSpec, RoleSpec, RuleSpec
from accounts.policy import PolicyError
from audit import record
from audit.models import Entry
from audit.record import Who
from gateway.alerts import importing as alerts_importing
from omni2.configuration import trials
from omni2.configuration.alerts import Alerts, read_alerts
from omni2.configuration.checking import Checked, check
from omni2.configuration.draft import Draft, read_draft
from omni2.configuration.known import Known, known
from omni2.configuration.people import read_people
from omni2.configuration.policy import read_policy
from omni2.configuration.problems import Place, Problem, Report
from omni2.configuration.reading import Source, Unreadable, join, read_source
from omni2.configuration.rehearsing import Rehearsing, compare, in_force, rehearse_import
from omni2.configuration.roles import read_roles, undefined
from omni2.configuration.servers import read_servers
from omni2.configuration.vocabulary import ALL_VOCABULARIES, DRAFT
from registry import importing as registry_importing
from registry.credentials import OWN_SECRETS
from registry.importing import ServerSpec

PEOPLE, SERVERS, SLACK = "users.yaml", "mcps.yaml", "slack.yaml"
# What is only printed may name the gateway's own secrets; what is applied may not use them.
_APPLIED = frozenset({PEOPLE, SERVERS, DRAFT})


@dataclass(frozen=True)
class Plan:
    """What the files ask for, as values."""

    people: PeopleSpec | None = None
    roles: list[RoleSpec] = field(default_factory=list)
    servers: list[ServerSpec] = field(default_factory=list)
    rules: list[RuleSpec] = field(default_factory=list)
    draft: Draft | None = None
    alerts: Alerts = field(default_factory=dict)


def import_files(
    paths: Mapping[str, Source],
    *,
    who: Who,
    dry_run: bool = False,
    prune: bool = False,
    rehearsing: Rehearsing | None = None,
) -> Report:
    """Import the files, keyed by the name of their vocabulary.

    Returns what changed. Raises ConfigurationRefused, and leaves the database as it was, when
    anything in any of them is wrong, one of the tests that they carry fails, or more recorded calls
    than `rehearsing` lets through would be refused.
    """
    report = Report()
    plan, files = read_files(paths, report)
    with transaction.atomic():
        before = in_force()
        _apply(plan, files, report=report, prune=prune)
        _try(files, report)
        after = compare(report, before) if report.changes else before
        trial = partial(rehearse_import, report, before, after, rehearsing, file=next(iter(paths)))
        if not dry_run:
            trial()
        names = sorted(path.name for path in paths.values())
        _publish(report, who=who, files=names, before=before)
        transaction.set_rollback(dry_run)
    if dry_run:
        # It may take a while, and here nobody has to wait for it.
        trial()
    return report


def rehearsed(paths: Mapping[str, Source]) -> Snapshot:
    """What decisions would rest on with these files; the database stays as it is.

    Raises ConfigurationRefused as `import_files` does.
    """
    report = Report()
    plan, files = read_files(paths, report)
    with transaction.atomic():
        _apply(plan, files, report=report, prune=False)
        _try(files, report)
        after = access.snapshot()
        transaction.set_rollback(True)
    return after


def read_files(paths: Mapping[str, Source], report: Report) -> tuple[Plan, dict[str, Checked]]:
    """What the files ask for, and the files. Raises ConfigurationRefused with all that is wrong."""
    files = _read(paths, report)
    names = known(files)
    plan = _plan(files, names)
    report.problems += [problem for checked in files.values() for problem in checked.problems]
    report.notes = sorted(note for checked in files.values() for note in checked.notes)
    report.warnings = sorted(note for checked in files.values() for note in checked.warnings)
    report.refuse_if_wrong()
    return plan, files


def _read(paths: Mapping[str, Source], report: Report) -> dict[str, Checked]:
    files = {}
    for name, vocabulary in ALL_VOCABULARIES.items():
        if name not in paths:
            continue
        try:
            top, duplicates = read_source(paths[name])
        except Unreadable as error:
            report.problems.append(error.problem)
            continue
        own_secrets = OWN_SECRETS if name in _APPLIED else ()
        # Whoever writes on a page has not the machine's variables to fill in.
        environ = os.environ if isinstance(paths[name], Path) else {}
        files[name] = check(top, vocabulary, environ=environ, own_secrets=own_secrets)
        report.problems += duplicates
    return files


def _plan(files: Mapping[str, Checked], names: Known) -> Plan:
    roles = read_roles(files, names)
    workspace = _workspace(files)
    people = None
    if PEOPLE in files:
        people = read_people(files[PEOPLE], roles, names, workspace=workspace)
    if DRAFT in files:
        return Plan(draft=read_draft(files[DRAFT], names))
    alerts = read_alerts(files)
    if SERVERS not in files:
        return Plan(people=people, roles=roles, alerts=alerts)
    servers, rules = read_servers(files[SERVERS]), read_policy(files[SERVERS])
    _warn_of_unknown_roles(files[SERVERS], names)
    return Plan(people, roles, servers, rules, alerts=alerts)


def _workspace(files: Mapping[str, Checked]) -> str | None:
    """The Slack workspace of slack.yaml, which is of use to people alone."""
    if SLACK not in files:
        return None
    workspace: str | None = files[SLACK].data.get("slack", {}).get("workspace_id")
    if workspace and PEOPLE not in files:
        files[SLACK].note("slack.workspace_id", "it is written with the people of users.yaml")
    return workspace


def _warn_of_unknown_roles(checked: Checked, names: Known) -> None:
    for index, item in enumerate(checked.data.get("mcps", [])):
        for role in (item or {}).get("role_restrictions", {}):
            path = join(f"mcps[{index}].role_restrictions", role)
            undefined(checked, role, path, known=names, then="(the rule waits for it)")


def _apply(plan: Plan, files: Mapping[str, Checked], *, report: Report, prune: bool) -> None:
    if plan.draft is not None:
        report.changes += plan.draft.apply()
    if plan.people is not None:
        try:
            outcome = accounts_importing.apply_people(plan.people, prune=prune)
        except accounts_importing.NobodyLeft as error:
            place = Place(files[PEOPLE].file, 1, "super_admins")
            report.problems.append(Problem(place, f"with --prune, {error}"))
            report.refuse_if_wrong()
        report.changes += outcome.changes
        _remark_missing("people", outcome.missing, report, prune=prune)
    if SERVERS in files:
        if plan.people is None:
            report.changes += accounts_importing.apply_roles(plan.roles)
        servers = registry_importing.apply(plan.servers, prune=prune)
        report.changes += servers.changes
        _remark_missing("servers", servers.missing, report, prune=prune)
        named = [server.name for server in plan.servers]
        report.changes += accounts_importing.apply_policy(plan.rules, servers=named)
    for file, specs in plan.alerts.items():
        report.changes += alerts_importing.apply(specs, origin=file)


def _remark_missing(what: str, missing: tuple[str, ...], report: Report, *, prune: bool) -> None:
    if missing:
        done = "disabled" if prune else "left alone; --prune disables them"
        report.remarks.append(f"{what} not in the file: {', '.join(missing)} ({done})")


def _try(files: Mapping[str, Checked], report: Report) -> None:
    """Compile what is now in the rows, and run the tests that the file carries on it."""
    some = next(iter(files.values()), None)
    if some is None or not _APPLIED & files.keys():
        return
    try:
        report.remarks += trials.without_rule()
        for name in files.keys() & {SERVERS, DRAFT}:
            count = trials.run_tests(files[name])
            report.problems += files[name].problems
            if count:
                report.remarks.append(f"tests of the file: {count} run")
    except PolicyError as error:
        report.problems.append(Problem(Place(some.file, 1), f"the rules make no policy: {error}"))
    report.refuse_if_wrong()


def _publish(report: Report, *, who: Who, files: list[str], before: Snapshot) -> None:
    if not report.changes:
        return
    version = access.publish(who.person, f"imported {', '.join(files)}", before=before)
    record.write(
        Entry.Kind.CONFIG_IMPORTED,
        Entry.Outcome.OK,
        who=who,
        policy_version=version.digest,
        detail={
            "files": files,
            "changes": report.changes,
            "difference": report.difference,
            "effect": report.effect[: versions.MOST_RECORDED],
        },
    )
