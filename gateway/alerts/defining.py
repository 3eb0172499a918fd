"""Rules and destinations: what may stand in them, and every change of theirs on the record."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.errors import BadValue
from accounts.policy import PatternError, check_granted
from accounts.publishing import check
from audit import changes
from audit.errors import BadFilter
from audit.filters import Filters
from audit.models import Entry
from audit.record import Who
from gateway.alerts import hours, mail, matching, spending, webhook
from gateway.models.alerts import AlertRule, Destination
from registry import outgoing
from registry.mcp.errors import GuardRefused

# What the record says with its values: of a destination no address, which may be secret itself.
RULE = (
    *("name", "kind", "enabled", "severity", "kinds", "filters", "tools", "hours", "time_zone"),
    *("unused_days", "each", "count", "window_seconds", "factor", "min_cost", "quiet_minutes"),
)
DESTINATION = ("name", "kind", "enabled", "least")
MOST_SECONDS = 7 * 24 * 3600
MOST_COUNT = 10_000

Kind = AlertRule.Kind
_OF_ENTRIES = ("kinds", "tools", "hours", "unused_days", "count")
_USELESS = {
    Kind.ENTRIES: ("factor", "min_cost"),
    Kind.SERVER_DOWN: (*_OF_ENTRIES, "factor", "min_cost"),
    Kind.SPENDING: (*_OF_ENTRIES, "filters"),
}


# --- What may stand there -------------------------------------------------------------------------
def check_rule(rule: AlertRule) -> None:
    """Raises ValidationError, by field, for a rule that could not be held against the record."""
    wrong = {field: str(said) for field, look in _RULE.items() if (said := _fault(look, rule))}
    wrong = dict.fromkeys(_useless(rule), "A rule of this kind has no use for this.") | wrong
    if wrong:
        raise ValidationError(wrong)


def check_destination(destination: Destination) -> None:
    """Raises ValidationError, by field, for a destination that nothing could be sent to."""
    is_hook = destination.kind == Destination.Kind.WEBHOOK
    field, look = ("url", _url) if is_hook else ("addresses", _addresses)
    said = _fault(look, destination)
    if said:
        raise ValidationError({field: said})


def _useless(rule: AlertRule) -> list[str]:
    """What says something else than where nothing is said, and would change nothing."""
    usual = AlertRule()
    useless = _USELESS.get(Kind(rule.kind), ())
    return [name for name in useless if getattr(rule, name) != getattr(usual, name)]


def _fault(look: Callable[[Any], object], row: Any) -> str:
    try:
        look(row)
    except ValidationError as error:
        return str(error.messages[0])
    except (BadFilter, PatternError, GuardRefused, ValueError) as error:
        named = f"{error.field}: " if isinstance(error, BadFilter) else ""
        return f"{named}{error}"
    return ""


def _kinds(rule: AlertRule) -> None:
    _texts(rule.kinds)
    unknown = [kind for kind in rule.kinds if kind not in Entry.Kind.values]
    if unknown:
        raise ValueError(f"There is no kind of entries {unknown[0]!r}.")


def _filters(rule: AlertRule) -> None:
    if not isinstance(rule.filters, dict):
        raise ValueError('This is a map such as {"person": "ada@example.com"}.')
    _texts([*rule.filters.values()])
    Filters.parse(rule.filters, without=matching.WITHOUT)


def _tools(rule: AlertRule) -> None:
    _texts(rule.tools)
    if rule.tools:
        check_granted(rule.tools)


def _texts(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("This is a list of texts.")


def _hours(rule: AlertRule) -> None:
    if rule.hours:
        hours.read(rule.hours, rule.time_zone)


def _each(rule: AlertRule) -> None:
    if rule.kind == Kind.SPENDING and rule.each not in spending.BY:
        raise ValueError("Spending is of each person, role or API key, or of all together.")
    if rule.unused_days and rule.each != AlertRule.Each.PERSON:
        raise ValueError("A database is one that each person has not used.")


def _count(rule: AlertRule) -> None:
    if not 1 <= rule.count <= MOST_COUNT:
        raise ValueError(f"This is from 1 to {MOST_COUNT}.")


def _window(rule: AlertRule) -> None:
    if not 1 <= rule.window_seconds <= MOST_SECONDS:
        raise ValueError(f"This is from 1 to {MOST_SECONDS} seconds.")


def _quiet(rule: AlertRule) -> None:
    if not 1 <= rule.quiet_minutes <= MOST_SECONDS // 60:
        raise ValueError(f"This is from 1 to {MOST_SECONDS // 60} minutes.")


def _factor(rule: AlertRule) -> None:
    if not 1 <= rule.factor <= 1000:
        raise ValueError("This is from 1 to 1000.")


def _url(destination: Destination) -> None:
    outgoing.check(destination.url)


def _addresses(destination: Destination) -> None:
    if not mail.addresses(destination.addresses):
        raise ValueError("An e-mail address is needed, one a line.")


_RULE: dict[str, Callable[[AlertRule], None]] = {
    "kinds": _kinds,
    "filters": _filters,
    "tools": _tools,
    "hours": _hours,
    "each": _each,
    "count": _count,
    "window_seconds": _window,
    "quiet_minutes": _quiet,
    "factor": _factor,
}


# --- Changes --------------------------------------------------------------------------------------
def save_rule(rule: AlertRule, values: Mapping[str, Any], *, who: Who) -> AlertRule:
    """Give the rule, an old or a new one, these values. Raises BadValue with its field."""
    _save(rule, values, who=who, told=RULE, look=check_rule)
    return rule


def save_destination(
    destination: Destination, values: Mapping[str, Any], *, who: Who
) -> tuple[Destination, str]:
    """Give the destination these values; a new webhook's secret, which is shown this once."""
    is_new_hook = destination._state.adding or not destination.sealed
    secret = webhook.new_secret(destination) if is_new_hook else ""
    _save(destination, values, who=who, told=DESTINATION, look=check_destination)
    return destination, secret if destination.kind == Destination.Kind.WEBHOOK else ""


def renew_secret(destination: Destination, *, who: Who) -> str:
    """Another secret, shown this once; what is sent from now on is signed with it."""
    with transaction.atomic():
        secret = webhook.new_secret(destination)
        destination.save(update_fields=["sealed"])
        changes.note(destination, "new secret", who=who)
    return secret


def delete(row: AlertRule | Destination, *, who: Who) -> None:
    """Delete it; a rule's incidents stay, and end by themselves."""
    with transaction.atomic():
        changes.note(row, "deleted", who=who)
        row.delete()


def _save(
    row: Any,
    values: Mapping[str, Any],
    *,
    who: Who,
    told: tuple[str, ...],
    look: Callable[[Any], None],
) -> None:
    changed, is_new = changes.apply(row, values, told=told), row._state.adding
    check(row)
    try:
        look(row)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise BadValue(messages[0], field=field) from None
    if changed or is_new:
        with transaction.atomic():
            row.save()
            changes.note(row, "added" if is_new else "changed", who=who, **changed.detail())
