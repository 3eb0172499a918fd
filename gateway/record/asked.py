"""Which figures an address asks for: the period, of what, in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from audit import stats
from audit.errors import BadFilter
from audit.filters import FILTERS, Filters
from audit.models import Rollup
from audit.numerals import is_digits
from audit.rollup import TOTAL, Place
from audit.stats import Period

USUAL = timedelta(days=7)
MOST_RANKED = 100
USUALLY_RANKED = 10
_LONGEST = 255

OF_A_PLACE = ("by", "name", "within", "granularity")
OF_A_RANKING = ("by", "order", "limit", "within")


@dataclass(frozen=True)
class Ranking:
    """What is put in order, by what, and how much of it."""

    dimension: str
    order: str
    limit: int
    within: str


def period(query: Mapping[str, str], names: tuple[str, ...]) -> Period:
    """The period from `from` to `to`: the last seven days where nothing is said.

    `names` are the other parameters there are. Raises BadFilter for any that is wrong or unknown.
    """
    others = FILTERS.keys() - {"from", "to"}
    moments = Filters.parse(query, besides=names, without=others - set(names)).values
    until = moments.get("to", timezone.now())
    granularity = one_of(query, "granularity", list(stats.SHOWN), usual="")
    return stats.period(moments.get("from", until - USUAL), until, granularity)


def place(query: Mapping[str, str]) -> Place:
    """What the figures shall be of: `by` and `name`; everything where nothing is said."""
    dimension = one_of(query, "by", Rollup.Dimension.values, usual=Rollup.Dimension.TOTAL)
    name, within = text(query, "name"), text(query, "within")
    if dimension == TOTAL.dimension:
        if name or within:
            raise BadFilter("Say by what: role, person, server, tool…", field="by")
        return TOTAL
    if not name:
        raise BadFilter(f"Which {dimension} is it?", field="name")
    if dimension == Rollup.Dimension.TOOL and not within:
        raise BadFilter("At which server is the tool?", field="within")
    return Place(dimension, name, within)


def ranking(query: Mapping[str, str]) -> Ranking:
    """What shall be put in order: `by`, `order`, `limit`, and `within` of which server or layer."""
    dimensions = [one for one in Rollup.Dimension.values if one != TOTAL.dimension]
    return Ranking(
        dimension=one_of(query, "by", dimensions, usual=Rollup.Dimension.TOOL),
        order=one_of(query, "order", list(stats.ORDERS), usual="calls"),
        limit=_limit(query),
        within=text(query, "within"),
    )


def one_of(query: Mapping[str, str], name: str, words: list[str], *, usual: str) -> str:
    """The parameter, which is one of these words or not given."""
    given = text(query, name)
    if given and given not in words:
        raise BadFilter(f"This is one of: {', '.join(words)}.", field=name)
    return given or usual


def text(query: Mapping[str, str], name: str) -> str:
    """The parameter's text; empty where it is not given."""
    given = str(query.get(name, "")).strip()
    if "\x00" in given or len(given) > _LONGEST:
        raise BadFilter(f"This is a text of at most {_LONGEST} characters.", field=name)
    return given


def _limit(query: Mapping[str, str]) -> int:
    given = text(query, "limit") or str(USUALLY_RANKED)
    number = int(given) if is_digits(given, 4) else 0
    if not 1 <= number <= MOST_RANKED:
        raise BadFilter(f"This is a whole number from 1 to {MOST_RANKED}.", field="limit")
    return number
