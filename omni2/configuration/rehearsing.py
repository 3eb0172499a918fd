"""What an import changes: in rules, in effect, and on the calls that are on record."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts import access, difference, effects, versions
from accounts.backtest import rehearse
from accounts.effects import Snapshot
from accounts.recorded_calls import recorded_since
from omni2.configuration.problems import Place, Problem, Report


@dataclass(frozen=True)
class Rehearsing:
    """Since when recorded calls count, and how many of them may come to be refused; None is any."""

    since: datetime
    max_refused: int | None = None


def in_force() -> Snapshot:
    """Everything decisions rest on before anything is imported."""
    newest = versions.newest()
    return access.snapshot(newest.document if newest else {})


def compare(report: Report, before: Snapshot) -> Snapshot:
    """Add to the report what the rows say otherwise now than `before`; return what they say."""
    after = access.snapshot()
    report.difference = difference.rules(before.document, after.document)
    report.effect = versions.lines(effects.between(before, after, timezone.now()))
    return after


def rehearse_import(
    report: Report,
    before: Snapshot,
    after: Snapshot,
    rehearsing: Rehearsing | None,
    *,
    file: str,
) -> None:
    """Add to the report which recorded calls the import would decide otherwise.

    Raises ConfigurationRefused when more of them than may be would now be refused.
    """
    if rehearsing is None or before is after:
        return
    found = rehearse(recorded_since(rehearsing.since), before, after)
    report.rehearsal = [found.summary(), *map(str, found.changes)]
    most = rehearsing.max_refused
    if most is not None and found.refused > most:
        message = (
            f"{found.refused} past calls that were not refused would be now; "
            f"--max-refused lets {most} through"
        )
        report.problems.append(Problem(Place(file, 1), message))
        report.refuse_if_wrong()
