"""`python -m omni2.demo`: gives the demo its own settings, then runs `manage.py demo`."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from omni2.demo import samples
from omni2.demo.place import ROOT, Place, free_port, variables
from omni2.demo.surroundings import without_settings


def main(arguments: list[str]) -> None:
    """Nothing of a deployment's settings reaches the demo, nor does the demo reach its data."""
    place = Place(Path(os.environ.get("OMNI2_DEMO_DIR", ROOT / ".demo")).resolve())
    repository = samples.find_repository(place)
    own = variables(place, repository, web=free_port(8000), spreadsheets=free_port())
    clean = without_settings(os.environ)
    os.environ.clear()
    os.environ.update(clean | own)
    execute_from_command_line(["manage.py", "demo", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
