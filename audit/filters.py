"""Which entries somebody wants to see: a fixed list of filters, given as plain text.

No name that is given reaches the ORM: each filter here names its own column. What is not on the
list, or not a value of it, is an error that says so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit import search, words
from audit.errors import BadFilter
from audit.models import Entry, EntryWords
from audit.models.record import indexed
from audit.numerals import is_digits

LONGEST = 1000
EFFECTS = ("allow", "deny", "ask")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Unreadable(Exception):
    """A text that is no value of a filter; says what would be."""


# --- Values ---------------------------------------------------------------------------------------
def text(given: str) -> str:
    """The text as it is."""
    return given


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """One of these words."""
    known = tuple(names)

    def read(given: str) -> str:
        if given not in known:
            raise Unreadable(f"This is one of: {', '.join(known)}.")
        return given

    return read


def moment(given: str) -> datetime:
    """A date or time in ISO 8601, in UTC where it names no zone; or how long ago: 30m, 24h, 7d."""
    try:
        if given[-1] in _UNITS and is_digits(given[:-1], 9):
            return timezone.now() - timedelta(**{_UNITS[given[-1]]: int(given[:-1])})
        parsed = datetime.fromisoformat(given)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(
            "This is a date or time in ISO 8601, such as 2026-05-01T12:00:00Z (a + is written %2B "
            "in an address), or how long ago: 30m, 24h, 7d."
        ) from error


def dollars(given: str) -> Decimal:
    """US dollars, not negative, as plain digits."""
    whole, _, fraction = given.partition(".")
    if not is_digits(whole, 6) or not (fraction == "" or is_digits(fraction, 8)):
        raise Unreadable("This is a sum of US dollars, such as 0.05.")
    return Decimal(given)


def whole_number(given: str) -> int:
    """A whole number that is not negative."""
    if not is_digits(given, 12):
        raise Unreadable("This is a whole number.")
    return int(given)


def searched(given: str) -> "QuerySet[EntryWords, int]":
    """The entries in which these words stand."""
    try:
        return search.found(words.search(given))
    except words.Unclear as error:
        raise Unreadable(str(error)) from error


# --- The list -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Filter:
    """One filter: how its text is read, and the entries of which column it leaves."""

    lookup: str
    read: Callable[[str], Any]
    words: str


FILTERS: dict[str, Filter] = {
    "kind": Filter("kind", one_of(Entry.Kind.values), "What happened."),
    "outcome": Filter("outcome", one_of(Entry.Outcome.values), "How it ended."),
    "person": Filter("person", text, "The e-mail address of who did it."),
    "role": Filter("role", text, "The role they had."),
    "door": Filter("door", text, "Where it came in: rest, web, cli, slack, mcp, admin."),
    "server": Filter("server", text, "The MCP server's name."),
    "tool": Filter("tool", text, "The tool's name at its server."),
    "effect": Filter("effect", one_of(EFFECTS), "What the policy decided."),
    "layer": Filter("layer", text, "The layer of the policy that decided."),
    "rule": Filter("rule", text, "The rule that decided."),
    "decision": Filter("decision_id", text, "The decision's id, as a refusal names it."),
    "error_code": Filter("error_code", text, "The error's code."),
    "question": Filter("question", text, "The question's id."),
    "call": Filter("call", text, "The call's id."),
    "policy_version": Filter("policy_version", text, "The policy's version."),
    "api_key": Filter("api_key", text, "The API key's prefix."),
    "address": Filter("address", text, "The network address it came from."),
    "text": Filter(
        "pk__in",
        searched,
        'Words that stand in it, a "phrase in quotes", a beginning*, -without.',
    ),
    "from": Filter("at__gte", moment, "Not before: ISO 8601 (UTC), or ago as 24h, 7d."),
    "to": Filter("at__lt", moment, "Before: ISO 8601 (UTC), or ago as 24h, 7d."),
    "min_cost": Filter("cost__gte", dollars, "US dollars at least."),
    "max_cost": Filter("cost__lte", dollars, "US dollars at most."),
    "min_milliseconds": Filter("milliseconds__gte", whole_number, "Milliseconds at least."),
    "max_milliseconds": Filter("milliseconds__lte", whole_number, "Milliseconds at most."),
}
_RANGES = (
    ("from", "to"),
    ("min_cost", "max_cost"),
    ("min_milliseconds", "max_milliseconds"),
)


@dataclass(frozen=True)
class Filters:
    """Filters that were given: `given` as their plain text, `values` as what was read of it."""

    given: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def parse(
        cls,
        parameters: Mapping[str, str],
        *,
        besides: Iterable[str] = (),
        without: Iterable[str] = (),
    ) -> "Filters":
        """The filters of these parameters; `besides` names those that are no filters, but known.

        Filters named in `without` do not exist here. An empty value is none. Raises BadFilter for
        an unknown name, a bad or repeated value.
        """
        _refuse_unknown(parameters, {*FILTERS, *besides} - {*without})
        given = {name: _given(parameters, name) for name in parameters if name in FILTERS}
        given = {name: value for name, value in given.items() if value}
        values = {name: _read(name, value) for name, value in given.items()}
        for least, most in _RANGES:
            if least in values and most in values and values[least] > values[most]:
                raise BadFilter(f"This is less than {least}: nothing can fit.", field=most)
        return cls(given, values)

    def apart(self) -> "tuple[Filters, QuerySet[EntryWords, int] | None]":
        """These without the words that are searched for, and the keys of what holds those."""
        others = [
            {name: value for name, value in named.items() if name != "text"}
            for named in (self.given, self.values)
        ]
        return Filters(*others), self.values.get("text")

    def apply(self, entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
        """Those of the entries that all filters let through."""
        for name, value in self.values.items():
            lookup = FILTERS[name].lookup
            entries = entries.filter(indexed(lookup, value) or Q(), **{lookup: value})
        return entries


def _refuse_unknown(parameters: Mapping[str, str], known: set[str]) -> None:
    for name in parameters:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise BadFilter(f"There is no such filter; there are: {listed}.", field=name[:100])


def _given(parameters: Mapping[str, str], name: str) -> str:
    """The parameter's one value; of an address it may have been given more than once."""
    every = parameters.getlist(name) if hasattr(parameters, "getlist") else [parameters[name]]
    if len(every) > 1:
        raise BadFilter("This is given once.", field=name)
    value = str(every[0]).strip()
    if len(value) > LONGEST:
        raise BadFilter(f"This has at most {LONGEST} characters.", field=name)
    if "\x00" in value:
        raise BadFilter("No text here holds a NUL.", field=name)
    return value


def _read(name: str, value: str) -> Any:
    try:
        return FILTERS[name].read(value)
    except Unreadable as error:
        raise BadFilter(str(error), field=name) from error
