"""`python -m omni2.demo [COMMAND …]`: the demo, or a command of manage.py on the demo's data."""

import json
import os
import sys
from pathlib import Path

from omni2.command_line import main as manage
from omni2.demo import samples
from omni2.demo.place import ROOT, Place, free_port, variables
from omni2.demo.surroundings import without_settings


def main(arguments: list[str]) -> None:
    """Nothing of a deployment's settings reaches the demo, nor does the demo reach its data."""
    place = Place(Path(os.environ.get("OMNI2_DEMO_DIR", ROOT / ".demo")).resolve())
    is_command = bool(arguments) and not arguments[0].startswith("-")
    own = _settings_left_by(place) if is_command else _settings_for(place)
    clean = without_settings(os.environ)
    os.environ.clear()
    os.environ.update(clean | own)
    manage(["manage.py", *arguments] if is_command else ["manage.py", "demo", *arguments])


def _settings_for(place: Place) -> dict[str, str]:
    """What a demo that starts now runs with, left for the commands that come after it."""
    repository = samples.find_repository(place)
    own = variables(place, repository, web=free_port(8000), spreadsheets=free_port())
    place.folder.mkdir(parents=True, exist_ok=True)
    place.settings.write_text(json.dumps(own, indent=1))
    return own


def _settings_left_by(place: Place) -> dict[str, str]:
    """Those of the demo that started last: its servers are at the ports that it was given."""
    if not place.settings.exists():
        sys.exit("There is no demo here yet. Start it first: make demo")
    return dict(json.loads(place.settings.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
