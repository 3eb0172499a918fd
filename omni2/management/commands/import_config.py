"""`manage.py import_config [DIR]`: all files of a folder in one transaction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from omni2.configuration.command import ImportCommand, default_directory
from omni2.configuration.vocabulary import VOCABULARIES


class Command(ImportCommand):
    help = f"Import {', '.join(VOCABULARIES)} of a folder, all of them or none."

    def add_files(self, parser: CommandParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, help="default: config")

    def paths(self, options: Mapping[str, Any]) -> dict[str, Path]:
        folder = options["directory"] or default_directory()
        if not folder.is_dir():
            raise CommandError(f"there is no folder {folder}")
        files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
        found = {name: files[name] for name in VOCABULARIES if name in files}
        if not found:
            raise CommandError(f"{folder} holds none of {', '.join(VOCABULARIES)}")
        others = [name for name in files if name.endswith((".yaml", ".yml")) and name not in found]
        absent = [name for name in VOCABULARIES if name not in found]
        for what, names in (("not read", others), ("not there", absent)):
            if names:
                self.stdout.write(f"{what}: {', '.join(names)}")
        return found
