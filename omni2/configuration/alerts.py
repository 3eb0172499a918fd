"""users.yaml and mcps.yaml → the rules of alerts that they ask for."""

from collections.abc import Iterator, Mapping
from typing import Any

from accounts.policy import PatternError, check_granted
from gateway.alerts import importing
from gateway.alerts.importing import AlertSpec
from omni2.configuration.checking import Checked

Alerts = Mapping[str, tuple[AlertSpec, ...]]


def read_alerts(files: Mapping[str, Checked]) -> Alerts:
    """The rules that each of the two files asks for, by the file's name."""
    readers = {"users.yaml": _of_people, "mcps.yaml": _of_servers}
    return {
        name: tuple(dict.fromkeys(read(files[name])))
        for name, read in readers.items()
        if name in files
    }


def _of_people(checked: Checked) -> Iterator[AlertSpec]:
    said: Mapping[str, Any] = checked.data.get("user_audit", {})
    yield from _watched(said)
    on = said.get("alert_on_suspicious_activity")
    # Said to alert and not of what: of all that there is.
    patterns = said.get("suspicious_patterns", [*importing.SUSPICIOUS] if on else [])
    for name in filter(None, patterns):
        yield importing.suspicious(name, enabled=on is not False)
    if checked.data.get("auto_provisioning", {}).get("notify_admins"):
        yield importing.newcomers()


def _of_servers(checked: Checked) -> Iterator[AlertSpec]:
    said: Mapping[str, Any] = checked.data.get("audit", {})
    yield from _watched(said)
    for index, pattern in enumerate(said.get("alert_on_patterns", [])):
        if pattern is None:
            continue
        try:
            check_granted([pattern])
        except PatternError as error:
            checked.refuse(f"audit.alert_on_patterns[{index}]", str(error))
        else:
            yield importing.calling(pattern)


def _watched(said: Mapping[str, Any]) -> Iterator[AlertSpec]:
    for person in filter(None, said.get("watch_users", [])):
        yield importing.watching(person)
