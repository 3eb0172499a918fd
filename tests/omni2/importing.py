"""Files of a test, imported; and what the database says, to be compared as a whole."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from django.core import serializers

from accounts.models import (
    PolicyVersion,
    ProvisioningRule,
    Role,
    Rule,
    Team,
    UsageLimit,
    User,
)
from audit.models import Entry
from omni2.configuration.importing import import_files
from omni2.configuration.problems import ConfigurationRefused, Report
from registry.credentials import unseal
from registry.models import Server

FILES = {
    "mcps": "mcps.yaml",
    "users": "users.yaml",
    "slack": "slack.yaml",
    "threading": "threading.yaml",
    "settings": "settings.yaml",
}
TABLES = (
    Entry,
    PolicyVersion,
    ProvisioningRule,
    Role,
    Rule,
    Server,
    Team,
    UsageLimit,
    User,
)


def write(folder: Path, texts: Mapping[str, str]) -> dict[str, Path]:
    """Write each text to its file, without the indentation of the test."""
    paths = {}
    for short, text in texts.items():
        paths[FILES[short]] = folder / FILES[short]
        paths[FILES[short]].write_text(dedent(text))
    return paths


def run(folder: Path, *, dry_run: bool = False, prune: bool = False, **texts: str) -> Report:
    """Import the texts, named `mcps`, `users` and so on, as one."""
    paths = write(folder, texts)
    return import_files(paths, author="tests", dry_run=dry_run, prune=prune)


def problems(folder: Path, **texts: str) -> list[str]:
    """What is wrong with the texts, as people read it; nothing was written."""
    before = everything()
    try:
        run(folder, **texts)
    except ConfigurationRefused as error:
        assert everything() == before
        return [str(problem) for problem in error.report.problems]
    return []


def everything() -> list[dict[str, Any]]:
    """Every row an import could touch."""
    rows: list[dict[str, Any]] = []
    for model in TABLES:
        rows += serializers.serialize("python", model._default_manager.order_by("pk"))
    return rows


def meaning() -> dict[str, Any]:
    """What the rows say, without ids, times and encryption: equal for equal configurations."""
    found: dict[str, Any] = {}
    for model in TABLES[2:]:
        found[model.__name__] = sorted(map(_plain, model._default_manager.all()), key=str)
    return found


def _plain(row: Any) -> dict[str, Any]:
    fields = serializers.serialize("python", [row], use_natural_foreign_keys=True)[0]["fields"]
    for field in ("date_joined", "password", "last_login"):
        fields.pop(field, None)
    if isinstance(row, Server):
        fields["sealed"] = unseal(row.sealed)
    for name in ("role", "default_role", "user"):
        if name in fields:
            fields[name] = str(getattr(row, name))
    if isinstance(row, User):
        fields["teams"] = sorted(row.teams.values_list("key", flat=True))
    return dict(fields)
