"""What in a tool's texts looks like orders to a model, or is hidden from people. Pure.

A warning and no boundary: it finds most of what is crude and none of what is clever. It decides one
thing only, whether a tool of the very first listing is offered before a person has seen it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

MAX_GAP = 20
ANOTHER = "it takes the place of another tool"

_SIGNS: dict[str, str] = {
    "it gives orders about other calls": (
        r"\b(?:before|after|prior to)\b.{0,120}?\b(?:must|should|need to|requires?|first)\b"
        r"|\b(?:must|should|needs? to|has to)\s+(?:then|first|also|always|automatically|never)\b"
        r"|\bmust\s+(?:be\s+)?(?:call|execute|read|redirect|perform|send|pass|halt|run|stop|refuse)"
        r"|\b(?:execute|run|perform)\s+the\s+following\b"
        r"|\bwhen(?:ever)?\s+(?:an?\s+|the\s+)?users?\s+(?:asks?|requests?|calls?|search\w*|wants?)\b"
        r"|\bwhile\s+users?\s+wants?\b"
    ),
    "it changes what was asked for": (
        r"\bregardless of\s+(?:the\s+|what\s+the\s+|any\s+)?user"
        r"|\binstead of the \w+ (?:given|requested|specified|asked)"
        r"|\bautomatically\s+(?:modif|redirect|replac|enhanc|sets?\b|includ|chang|substitut)"
        r"|\balways\s+(?:send|use|call|include|set|add|change|forward|prefer)\b"
        r"|\bno matter\s+(?:how|what|which)\b|\brather than (?:the )?others?\b"
        r"|\b(?:ignore|disregard|forget)\s+(?:all|any|every|previous|the previous|your)\b"
    ),
    "it asks to keep something from the person": (
        r"\b(?:do not|don't|never|must not)\s+(?:\w+\s+)?"
        r"(?:tell|mention|inform|reveal|notify|disclose|show|let)\b"
        r"|\bwithout\s+(?:telling|informing|notifying|asking)\b"
        r"|\bdem (?:nutzer|benutzer|anwender) nicht|\bsin decir|\bsans (?:le )?dire"
    ),
    "it points at secrets of the machine": (
        r"\.ssh\b|\bid_rsa\b|/etc/(?:passwd|shadow)|\.bashrc|\.zshrc|\.aws/|\.npmrc"
        r"|\bsystem prompt\b|\bmaster password\b|\bget_secrets\b|\b\w+://(?:admin|confidential|secret)"
    ),
    "it holds a shell command": (
        r"\brm -rf\b|\bcurl\s+-|\bwget\s+-|&&\s*echo\b|\$\([a-z]+\)|\bsudo\s+\w|\bexport [A-Z_]+="
        r"|\becho \$"
    ),
    "it sends data somewhere": (
        r"\bsend(?:e)?\b.{0,60}?(?:https?://|[\w.]+@[\w.])"
        r"|\b(?:access|contact|call|request|visit|endpoint)\b.{0,60}?https?://(?!json-schema|example)"
    ),
    "it speaks with false authority": (
        r"<\s*/?\s*(?:important|hidden|system|secret|instructions?|admin|override)\s*>"
        r"|\[\s*(?:important|system|hidden|instructions?)\s*\]"
        r"|(?-i:\b(?:CRITICAL|IMPORTANT|SECURITY|SYSTEM|PERFORMANCE|MAINTENANCE|ENVIRONMENT|COMPLIANCE)"
        r"(?: [A-Z]+){1,3}:)|(?-i:\b(?:INTERNAL )?DEV NOTE:)"
        r"|\b(?:security|regulatory|audit)(?: and \w+)? (?:compliance|reasons)\b"
        r"|\bmandatory\b.{0,40}?\b(?:protocol|compliance|message|security)"
    ),
    ANOTHER: (
        r"\bnever (?:call|use)\b"
        r"|\btools?\b.{0,40}?\bha(?:s|ve) been (?:\w{1,20} )?"
        r"(?:deprecated|disabled|optimi[sz]ed|enhanced|replaced)"
    ),
    "it praises itself": (
        r"\b(?:advanced|premium|enhanced|ultimate|superior|improved) version\b"
        r"|\b(?:the|is) (?:most|best|ultimate)\b.{0,40}?\b(?:comprehensive|reliable|accurate)\b"
        r"|\b(?:trusted|recommended) by\b|\bindustry-leading\b|\bunmatched\b|\bour partner\b"
    ),
}
_RULES = {
    finding: re.compile(pattern, re.IGNORECASE | re.DOTALL) for finding, pattern in _SIGNS.items()
}
_PADDING = re.compile(rf"(?:\s*\n){{{MAX_GAP}}}|[^\S\n]{{{4 * MAX_GAP}}}")
_FOREIGN = re.compile(r"[A-Za-z][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][A-Za-z]")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
# What is said in these is prose, be it one word only.
_PROSE = frozenset({"title", "description"})
# The emoji style and the joiner of emoji families are in honest descriptions.
_HARMLESS = frozenset("\n\r\t\ufe0f\u200d")
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def findings(tool: Mapping[str, Any], *, servers: Collection[str] = ()) -> list[str]:
    """What is suspicious in any text of the tool object: one phrase for each kind, or none.

    Its own name is left out: `registry.naming` judges that. `servers` are the other ones that are
    registered: a word such as `created_at__gte` is a name of any kind, `crm__get_customer` a tool
    of `crm` where there is one.
    """
    said = {key: part for key, part in tool.items() if key != "name"}
    text = "\n".join(_texts(said))
    found = []
    if any(is_hidden(character) for character in set(text)):
        found.append("it holds invisible characters")
    if _PADDING.search(text):
        found.append("it pushes text out of sight")
    if _FOREIGN.search(text):
        found.append("it mixes alphabets within a word")
    plain = " ".join("".join(each for each in text if not is_hidden(each)).split())
    names_another = any(_names_tool(one, servers) for one in _prose(said))
    return found + [
        finding
        for finding, rule in _RULES.items()
        if rule.search(plain) or (names_another and finding == ANOTHER)
    ]


def texts_of(tool: Mapping[str, Any]) -> Iterator[str]:
    """Every text of the tool object but its own name, the names of its members included."""
    yield from _texts({key: part for key, part in tool.items() if key != "name"})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _prose(value: Any, key: str = "") -> Iterator[str]:
    """What is said, in sentences or as a title; single words elsewhere are names and values."""
    if isinstance(value, str):
        if key in _PROSE or len(value.split()) > 1:
            yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _prose(str(name))
            yield from _prose(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _prose(each)


def _names_tool(said: str, servers: Collection[str]) -> bool:
    """Whether a name that a tool of one of these servers would have stands in the text."""
    if not servers or "__" not in said:
        return False
    plain = "".join(each for each in said if not is_hidden(each))
    names = (word.lower().lstrip("_-").partition("__") for word in _WORD.findall(plain))
    return any(own and server in servers for server, _, own in names)


def is_hidden(character: str) -> bool:
    """Whether people see nothing, or the wrong thing, where a model reads this character."""
    if character in _HARMLESS or character.isascii() and character.isprintable():
        return False
    return (
        unicodedata.category(character) in _HIDING
        or "\ufe00" <= character <= "\ufe0e"
        or ("\U000e0100" <= character <= "\U000e01ef")
    )
