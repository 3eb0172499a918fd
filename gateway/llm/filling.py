"""Fill a tool's arguments from a question by rules: what is found is sure, what is not stays open.

The rules know kinds of values (a time zone, a date, a path ...), never single tools. Which kind an
argument wants is read from its schema: type, format, enum, name and description.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.llm.findings import Finding, find, find_currencies, find_zones
from gateway.llm.phrases import about, named, stated_default
from gateway.words import stem, terms, words

Schema = Mapping[str, Any]

_SOURCE = {"from", "source", "base", "origin", "start", "src"}
_TARGET = {"to", "target", "destination", "quote", "dest", "end", "dst"}
_COUNTS = {"limit", "count", "max", "top", "num", "size", "n", "number", "results", "entries"}
_FORMATS = {"uri": "url", "url": "url", "email": "email", "date": "date", "time": "time"}
_FORMATS |= {"date-time": "datetime"}
# The first line that knows a word of the argument's name says what it wants.
_NAMES: tuple[tuple[str, set[str]], ...] = (
    ("zone", {"timezone", "timezones", "tz", "zone"}),
    ("currency", {"currency", "currencies"}),
    ("url", {"url", "uri", "link", "href"}),
    ("email", {"email", "mail"}),
    ("path", {"path", "file", "filename", "filepath", "directory", "dir", "folder"}),
    ("domain", {"domain", "hostname", "host"}),
    ("expression", {"expression", "formula"}),
    ("sql", {"sql"}),
    ("date", {"date", "day", "since", "until"}),
    ("time", {"time"}),
)
_DESCRIPTIONS = (
    ("zone", re.compile(r"\bIANA\b")),
    ("currency", re.compile(r"\bISO[ -]?4217\b|\bcurrency code\b", re.IGNORECASE)),
    ("sql", re.compile(r"\bSQL\b")),
)
_SQL = re.compile(
    r"\b(?:select\b.+\bfrom\b|show\s+tables\b|describe\s+\w|pragma\s+\w).*",
    re.IGNORECASE | re.DOTALL,
)
_PERCENT_OF = re.compile(r"(-?\d+(?:\.\d+)?)\s?%\s+of\s+(-?[\d,]*\d(?:\.\d+)?)", re.I)
_EXPRESSION = re.compile(r"[-(]*\d[\d.,]*(?:\s*[-+*/^%()]+\s*\(*-?\d[\d.,]*\)*)+")


@dataclass(frozen=True)
class Filling:
    """The arguments that were found, and the required ones that were not.

    `explained` holds the stems of the question's words that became arguments.
    """

    arguments: dict[str, Any]
    missing: tuple[str, ...]
    explained: frozenset[str]

    @property
    def whole(self) -> bool:
        return not self.missing


def fill(question: str, schema: Schema, *, today: date) -> Filling:
    """Find the arguments of a tool in a question; optional ones only where clearly named."""
    return _Filler(question, schema, today).fill()


@dataclass
class _Filler:
    question: str
    schema: Schema
    today: date
    taken: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = find(self.question, today=self.today)
        self.zones = find_zones(self.question)
        self.currencies = find_currencies(self.question)
        self.said = set(terms(self.question))
        properties = self.schema.get("properties")
        self.properties = properties if isinstance(properties, Mapping) else {}
        required = self.schema.get("required")
        self.required = [str(name) for name in required] if isinstance(required, list) else []

    def fill(self) -> Filling:
        arguments = {}
        optional = [name for name in self.properties if name not in self.required]
        for name in [*self.required, *optional]:
            value = self._value(name, self._schema_of(name), required=name in self.required)
            if value is not None:
                arguments[name] = value
        missing = [name for name in self.required if name not in arguments]
        if len(missing) == 1 and (text := self._free_text(missing[0])) is not None:
            arguments[missing.pop()] = text
        return Filling(arguments, tuple(missing), self._explained(arguments))

    def _explained(self, arguments: Mapping[str, Any]) -> frozenset[str]:
        values = [str(one) for value in arguments.values() for one in _flat(value)]
        formed = [*self.findings, *self.zones, *self.currencies]
        spans = [self.question[one.start : one.end] for one in formed if one.value in values]
        return frozenset(terms(" ".join([*values, *spans])))

    def _schema_of(self, name: str) -> Schema:
        """The argument's schema, of several alternatives the first that is not null."""
        schema = self.properties.get(name)
        if not isinstance(schema, Mapping):
            return {}
        for key in ("anyOf", "oneOf"):
            for choice in schema.get(key, ()) if isinstance(schema.get(key), list) else ():
                if isinstance(choice, Mapping) and choice.get("type") != "null":
                    return {**schema, **choice}
        return schema

    def _value(self, name: str, schema: Schema, *, required: bool) -> Any:
        kind = _type(schema)
        if "const" in schema:
            return schema["const"] if required else None
        if isinstance(schema.get("enum"), list):
            return self._choice(name, schema["enum"])
        if kind == "boolean":
            return self._flag(name)
        if kind in ("integer", "number"):
            return self._number(name, whole=kind == "integer", required=required)
        if kind == "array":
            return self._list(name, schema) if required else None
        if kind == "string":
            return self._string(name, schema, required=required)
        return None

    def _choice(self, name: str, choices: list[Any]) -> Any:
        """The one choice whose words all stand in the question, and say more than the name does."""
        spoken, known = set(words(self.question)), set(words(name))
        fitting = [
            choice
            for choice in choices
            if isinstance(choice, str) and (asked := set(words(choice))) <= spoken and asked - known
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _flag(self, name: str) -> bool | None:
        """True when every word of the name is said, unless something says not."""
        asked = terms(name)
        if not asked or not set(asked) <= self.said:
            return None
        return not re.search(
            rf"\b(?:no|not|without|don't)\W+(?:\w+\W+)?{asked[0]}", self.question, re.I
        )

    def _number(self, name: str, *, whole: bool, required: bool) -> int | float | None:
        numbers = [one for one in self.findings if one.kind == "number" and one not in self.taken]
        near = [one for one in numbers if self._is_named(one, name)]
        chosen = near or (numbers if required and len(numbers) == 1 else [])
        if not chosen or (whole and "." in chosen[0].value):
            return None
        self.taken.append(chosen[0])
        value = float(chosen[0].value)
        return int(value) if value.is_integer() else value

    def _is_named(self, number: Finding, name: str) -> bool:
        """Whether the words beside a number say that it is this argument's."""
        before = words(self.question[: number.start])[-2:]
        after = words(self.question[number.end :])[:1]
        asked = set(words(name)) - {"id", "number"}
        if asked & _COUNTS and {"top", "last", "first", "limit"} & set(before):
            return True
        beside = {stem(word) for word in (*before, *after)}
        return bool(asked) and {stem(word) for word in asked} <= beside

    def _list(self, name: str, schema: Schema) -> list[str] | None:
        items = schema.get("items")
        if not isinstance(items, Mapping) or _type(items) != "string":
            return None
        wanted = {_kind(name, items), "quoted"}
        values = [one.value for one in self.findings if one.kind in wanted]
        return values or None

    def _string(self, name: str, schema: Schema, *, required: bool) -> str | None:
        kind = _kind(name, schema)
        if kind == "sql":
            found = _SQL.search(self.question)
            return found.group().strip().rstrip("?") if found else None
        if kind == "expression":
            return self._expression()
        if kind in ("zone", "currency"):
            found_ = self._directed(name, self.zones if kind == "zone" else self.currencies)
            return found_ or (stated_default(schema) if required else None)
        if (half := self._half_of_slug(name)) is not None:
            return half
        said = named(name, self.question, self.findings)
        if said is not None or not required:
            return said
        return self._first(kind) or (self._first("quoted") if self._alone(name) else None)

    def _expression(self) -> str | None:
        if percent := _PERCENT_OF.search(self.question):
            share, whole = percent.groups()
            return f"{whole.replace(',', '')} * {share} / 100"
        found = _EXPRESSION.search(self.question)
        return found.group().replace(",", "").strip() if found else None

    def _first(self, kind: str) -> str | None:
        for one in self.findings:
            if one.kind == kind and one not in self.taken:
                self.taken.append(one)
                return one.value
        return None

    def _half_of_slug(self, name: str) -> str | None:
        """`acme/web` is an owner and a repository where a tool asks for both."""
        halves = {"owner": 0, "org": 0, "repo": 1, "repository": 1}
        both = [one for one in self.properties if one in halves]
        slugs = [one for one in self.findings if one.kind == "slug"]
        if name not in halves or len({halves[one] for one in both}) < 2 or len(slugs) != 1:
            return None
        return slugs[0].value.split("/")[halves[name]]

    def _alone(self, name: str) -> bool:
        """Whether this is the only required text that has no form of its own."""
        free = [one for one in self.required if _is_free(one, self._schema_of(one))]
        return free == [name]

    def _free_text(self, name: str) -> str | None:
        """What the question is about, for the one thing a tool must know that has no form."""
        if not _is_free(name, self._schema_of(name)):
            return None
        phrase = about(name, self.question)
        formed = [self.question[one.start : one.end] for one in self.findings]
        return None if phrase in formed else phrase

    def _directed(self, name: str, found: list[Finding]) -> str | None:
        """Of two, the one to come from or to go to, as the argument's name says."""
        asked = set(words(name))
        if not asked & (_SOURCE | _TARGET):
            return found[0].value if found else None
        ordered = sorted(found[:2], key=lambda one: (self._leaning(one), one.start))
        if len(ordered) == 1:
            towards = self._leaning(ordered[0]) >= 0
            return ordered[0].value if towards == bool(asked & _TARGET) else None
        if not ordered:
            return None
        return ordered[bool(asked & _TARGET)].value

    def _leaning(self, one: Finding) -> int:
        """Below 0: where a value comes from; above 0: where it is to go."""
        before = self.question[: one.start].rstrip().lower()
        if re.search(r"\bfrom$", before):
            return -2
        if re.search(r"\b(?:to|into)$", before):
            return 2
        amounts = [other for other in self.findings if other.kind in ("time", "number", "datetime")]
        if any(-4 <= one.start - other.end <= 4 or other.start == one.end for other in amounts):
            return -1
        return 1 if re.search(r"\bin$", before) else 0


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    return kind if isinstance(kind, str) else ""


def _kind(name: str, schema: Schema) -> str:
    """The kind of value an argument wants; `text` when it has no form of its own."""
    if form := _FORMATS.get(str(schema.get("format", ""))):
        return form
    asked = set(words(name))
    for kind, known in _NAMES:
        if asked & known:
            return kind
    description = str(schema.get("description", ""))
    for kind, pattern in _DESCRIPTIONS:
        if pattern.search(description):
            return kind
    return "text"


def _is_free(name: str, schema: Schema) -> bool:
    plain = _type(schema) == "string" and "enum" not in schema and "const" not in schema
    return plain and _kind(name, schema) == "text"
