"""Full-text search over the record: it follows the sealed blocks, so it lags a few seconds.

An entry that is changed or taken away (retention, erasure) is dropped from the index by a trigger
in the same transaction: what was erased is not found by its words.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from psycopg.errors import QueryCanceled

from audit import following
from audit.errors import BadFilter
from audit.models import Entry, EntryWords
from audit.statements import insert_plain
from audit.words import COLUMNS, Search, of_columns

FOLLOWER = "search"
# Of one run of the job; what is left waits for the next one, a second later.
MOST_RUNS = 20
# So many of the entries in question are looked through first, for words that are frequent.
NEAREST = (1000, 6000)
# What so few entries say is then found by its words, wherever they are.
MOST_RARE = 3000
# Of so many it is known which they are, while the entries in question are looked through.
MOST_KNOWN = 20_000
WINDOWS = (20_000, 80_000)
# Seconds.
LONGEST = 5.0

Keys: TypeAlias = "QuerySet[EntryWords, int]"

_POSTGRESQL = (
    "CREATE INDEX IF NOT EXISTS audit_words ON audit_entrywords USING gin (words)",
    "CREATE OR REPLACE FUNCTION audit_forget_words() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN DELETE FROM audit_entrywords WHERE entry = OLD.id; RETURN NULL; END $$",
    "CREATE OR REPLACE TRIGGER audit_forget_words AFTER UPDATE OR DELETE ON audit_entry"
    " FOR EACH ROW EXECUTE FUNCTION audit_forget_words()",
)
_FORGET = "BEGIN DELETE FROM audit_entrywords WHERE entry = OLD.id; END"
_UNLIST = (
    "INSERT INTO audit_words (audit_words, rowid, words) VALUES ('delete', OLD.entry, OLD.words)"
)
_LIST = "INSERT INTO audit_words (rowid, words) VALUES (NEW.entry, NEW.words)"
_SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS audit_words USING fts5("
    "words, content='audit_entrywords', content_rowid='entry',"
    ' tokenize="unicode61 remove_diacritics 0")',
    "CREATE TRIGGER IF NOT EXISTS audit_words_added AFTER INSERT ON audit_entrywords"
    f" BEGIN {_LIST}; END",
    "CREATE TRIGGER IF NOT EXISTS audit_words_gone AFTER DELETE ON audit_entrywords"
    f" BEGIN {_UNLIST}; END",
    f"CREATE TRIGGER IF NOT EXISTS audit_forget_changed AFTER UPDATE ON audit_entry {_FORGET}",
    f"CREATE TRIGGER IF NOT EXISTS audit_forget_gone AFTER DELETE ON audit_entry {_FORGET}",
)


def install() -> None:
    """Make what Django's migrations have no words for; twice is as once."""
    if not {"audit_entry", "audit_entrywords"} <= {*connection.introspection.table_names()}:
        return
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def found(wanted: Search) -> "Keys":
    """The keys of the entries in which that stands."""
    return EntryWords.objects.filter(words__holds=wanted).values_list("entry", flat=True)


def first(entries: "QuerySet[Entry]", most: int, *, keys: Keys) -> list[Entry]:
    """The first of these entries, in their order, whose keys are among those found.

    PostgreSQL cannot know whether a word is frequent where one looks, and may read millions of
    entries to show fifty. So a few of the entries in question are looked through first; then it is
    found out which entries have the words at all, where they are not too many; and then more are
    looked through. Raises BadFilter where that takes too long.
    """
    if connection.vendor != "postgresql":
        return list(entries.filter(pk__in=keys)[:most])
    with _in_time():
        some = partial(_among, entries, most, held=partial(_with_words, keys))
        for window in NEAREST:
            if (rows := some(window=window)) is not None:
                return rows
        everywhere = _by_their_words(keys)
        if len(everywhere) <= MOST_KNOWN:
            rest: QuerySet[Entry] = entries.extra(
                where=["audit_entry.id = ANY(%s)"], params=[everywhere]
            )
            some = partial(_among, entries, most, held=set(everywhere).intersection)
        else:
            rest = entries.filter(pk__in=keys)
        for window in WINDOWS if len(everywhere) > MOST_RARE else ():
            if (rows := some(window=window)) is not None:
                return rows
        return list(rest[:most])


def _by_their_words(keys: Keys) -> list[int]:
    """So many of the keys that it shows whether they are few, from the index of words alone."""
    with _without("enable_indexscan"):
        return list(keys[: MOST_KNOWN + 1])


def _with_words(keys: Keys, near: list[int]) -> set[int]:
    """Which of these are among the keys: each is looked up, and its words looked through."""
    with _without("enable_bitmapscan"):
        return set(keys.extra(where=["entry = ANY(%s)"], params=[near]))


@contextmanager
def _without(way: str) -> Iterator[None]:
    """Have PostgreSQL not take this way, in the transaction that we are in."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {way} = off")
        yield
        cursor.execute(f"SET LOCAL {way} = DEFAULT")


def _among(
    entries: "QuerySet[Entry]",
    most: int,
    *,
    held: Callable[[list[int]], Collection[int]],
    window: int,
) -> list[Entry] | None:
    """Those `held` of the next entries, as many as the window has; None where it has too few."""
    near = list(entries.values_list("pk", flat=True)[:window])
    there = held(near)
    chosen = [key for key in near if key in there][:most]
    if len(chosen) < most and len(near) == window:
        return None
    return list(entries.filter(pk__in=chosen))


@contextmanager
def _in_time() -> Iterator[None]:
    """Give up what takes PostgreSQL longer than `LONGEST`; read words by their index."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {round(LONGEST * 1000)}")
            cursor.execute("SET LOCAL enable_seqscan = off")
            # To start workers takes longer than to look twenty thousand entries through.
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            yield
            for name in ("statement_timeout", "enable_seqscan", "max_parallel_workers_per_gather"):
                cursor.execute(f"SET LOCAL {name} = DEFAULT")
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise BadFilter(
            f"Not found within {LONGEST:g} s: give a time or another filter besides.", field="text"
        ) from error


def index_new(most: int = MOST_RUNS) -> int:
    """Index what was sealed since the last time; the number of blocks."""
    blocks = 0
    for _ in range(most):
        taken = following.take(FOLLOWER, index)
        blocks += taken
        if not taken:
            break
    return blocks


def index_again() -> None:
    """Forget all words; from its first block on the record is indexed anew."""
    with transaction.atomic():
        EntryWords.objects.all().delete()
        following.start_again(FOLLOWER)


def index(entries: "QuerySet[Entry]") -> Callable[[], None]:
    """Read the words of these entries; what it returns keeps them."""
    rows = [
        (key, " ".join(of_columns(values))) for key, *values in entries.values_list("id", *COLUMNS)
    ]
    return partial(_keep, rows)


def _keep(rows: Sequence[tuple[int, str]]) -> None:
    if connection.vendor == "postgresql":
        _insert_arrays(rows)
    else:
        insert_plain(EntryWords, rows)


def _insert_arrays(rows: Sequence[tuple[int, str]]) -> None:
    """One statement of two parameters, whatever the number of rows."""
    field = EntryWords._meta.get_field("words")
    texts = [field.get_db_prep_value(text, connection) for _, text in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entrywords (entry, words)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[]::tsvector[])",
            [[key for key, _ in rows], texts],
        )
