"""Words of questions and tools in a common form: split, lower case, stemmed, with synonyms."""

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
# Three borders inside an identifier: lowerUpper, the last of several capitals, letter to digit.
_BORDER = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"
)
# Ideographs carry no spaces: two neighbours make a word.
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")

_EMPTY = """
a about all also am an and any are as at be been but by can could did do does for from give
had has have he her hers him his how i if in into is it its just let like may me might mine my
need of on or our ours please shall she should so some tell than that the their them then there
these they this those to up us using very want was we were what what's whats when where which
who whom whose why will with would you your yours s t d ll re ve m
"""
STOP_WORDS = frozenset(_EMPTY.split())

# Each line is one meaning; the words of a line stand for each other.
_MEANINGS = """
delete remove erase drop discard destroy
create make add new generate start open build
list show display enumerate view which
search find look lookup query locate discover
update edit change modify set alter
get fetch retrieve read obtain show
send post publish share
run execute trigger launch invoke
stop cancel abort halt terminate
move rename relocate
copy duplicate clone
compare diff difference versus
count number many total
repository repo
pull pr merge
document doc file
directory folder
picture image photo
mail email message inbox
weather forecast temperature rain
price cost quote rate trading worth
stock share ticker
currency exchange money usd eur
time clock hour now
convert conversion translate turn
website site web url page webpage
error failure fail fault crash broken
log output trace
person people user employee member
customer client
ticket issue bug
meeting event calendar appointment
hotel stay accommodation listing
route direction navigate
news headline
paper article publication
video youtube
database db
table relation
column field attribute
schema structure
download save export
upload import
calculate compute math evaluate
history past previous
current now latest newest recent
summary summarize overview
cpu memory consumption usage resource
balance money account
refund money back
""".strip()

_SUFFIXES = (
    ("ational", "ate"),
    ("ization", "ize"),
    ("ations", "ate"),
    ("ation", "ate"),
    ("nesses", ""),
    ("ments", ""),
    ("ment", ""),
    ("ness", ""),
    ("ings", ""),
    ("ing", ""),
    ("ies", "y"),
    ("ied", "y"),
    ("ions", ""),
    ("ion", ""),
    ("ers", ""),
    ("er", ""),
    ("ed", ""),
    ("ly", ""),
    ("es", ""),
    ("s", ""),
)
_SHORTEST_STEM = 3


def words(text: str) -> list[str]:
    """The words of a text or an identifier, in order, lower case, stop words and all."""
    found: list[str] = []
    for run in _WORD.findall(text):
        for part in _BORDER.split(run):
            found += _pairs(part) if _IDEOGRAPHS.fullmatch(part) else [part.lower()]
    return found


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The word without its common English endings: `listing` and `lists` become `list`."""
    if len(word) <= _SHORTEST_STEM or not word.isascii() or word.endswith("ss"):
        return word
    for suffix, instead in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return _undouble(word[: -len(suffix)] + instead)
    return _undouble(word)


def _undouble(word: str) -> str:
    """`runn` is `run`, and `pric` and `price` are the same."""
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz":
        return word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


def terms(text: str) -> list[str]:
    """The stems of all words that mean something."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def _read_meanings() -> dict[str, frozenset[str]]:
    related: dict[str, set[str]] = {}
    for line in _MEANINGS.splitlines():
        stems = {stem(word) for word in line.split()}
        for one in stems:
            related.setdefault(one, set()).update(stems - {one})
    return {word: frozenset(others) for word, others in related.items()}


_RELATED = _read_meanings()


def related(term: str) -> frozenset[str]:
    """The stems that may stand for this one."""
    return _RELATED.get(term, frozenset())
