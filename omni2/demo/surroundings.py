"""An environment for the demo and the tests in which no setting of a deployment is left."""

import re
from collections.abc import Mapping
from pathlib import Path

SETTINGS = Path(__file__).resolve().parent.parent / "settings.py"


def setting_names() -> frozenset[str]:
    """Every environment variable that `omni2.settings` reads, taken from its text."""
    return frozenset(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', SETTINGS.read_text()))


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment without the variables that configure OMNI2 or Django."""
    ours = setting_names() | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in environment.items() if name not in ours}
