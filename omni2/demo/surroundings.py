"""An environment for the demo and the tests in which no setting of a deployment is left."""

import re
from collections.abc import Mapping
from pathlib import Path

OMNI2 = Path(__file__).resolve().parent.parent
SETTINGS = tuple(OMNI2 / f"{name}.py" for name in ("settings", "login_settings"))


def setting_names() -> frozenset[str]:
    """Every environment variable that `omni2.settings` reads, taken from its text."""
    text = "".join(path.read_text() for path in SETTINGS)
    return frozenset(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', text))


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment without the variables that configure OMNI2 or Django."""
    ours = setting_names() | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in environment.items() if name not in ours}
