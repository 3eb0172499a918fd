"""Files of a test, imported; and what the database says, to be compared as a whole."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command

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
from audit.record import Who
from gateway.models import AlertRule
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
URL = "http://127.0.0.1:1/mcp"
TABLES = (
    Entry,
    PolicyVersion,
    AlertRule,
    ProvisioningRule,
    Role,
    Rule,
    Server,
    Team,
    UsageLimit,
    User,
)


def server(**keys: Any) -> str:
    """A file with one server, each key on a line of its own from line 3 on."""
    keys = {"name": "one", "url": URL} | keys
    lines = [f"  {key}: {json.dumps(value)}" for key, value in keys.items() if value is not None]
    return "mcps:\n-\n" + "\n".join(lines) + "\n"


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
    return import_files(paths, who=Who(person="tests", door="cli"), dry_run=dry_run, prune=prune)


def command(*arguments: str, **options: Any) -> list[str]:
    """Run a command and return the lines it prints."""
    printed = io.StringIO()
    call_command(*arguments, stdout=printed, no_color=True, **options)
    return printed.getvalue().splitlines()


def refused(*arguments: str) -> tuple[str, list[str]]:
    """Run a command that fails; its last word, and the lines before it."""
    printed = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(*arguments, stderr=printed, stdout=io.StringIO(), no_color=True)
    return str(error.value), printed.getvalue().splitlines()


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
