"""Full-text search over the record: it follows the sealed blocks, so it lags a few seconds.

An entry that is changed or taken away (retention, erasure) is dropped from the index by a trigger
in the same transaction: what was erased is not found by its words.
"""

from collections.abc import Callable, Sequence
from functools import partial

from django.db import connection, transaction
from django.db.models import QuerySet

from audit import following
from audit.models import Entry, EntryWords
from audit.words import COLUMNS, Search, of_columns

FOLLOWER = "search"
# Of one run of the job; what is left waits for the next one, a second later.
MOST_RUNS = 20

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


def found(wanted: Search) -> "QuerySet[EntryWords, int]":
    """The keys of the entries in which that stands."""
    return EntryWords.objects.filter(words__holds=wanted).values_list("entry", flat=True)


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
        EntryWords.objects.bulk_create(EntryWords(entry=key, words=text) for key, text in rows)


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
