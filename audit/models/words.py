"""The words of sealed entries, to be searched: a tsvector on PostgreSQL, FTS5 on SQLite."""

from typing import Any

from django.db import models

from audit.words import Search


class WordsField(models.TextField):
    """Words with blanks between; on PostgreSQL they are kept as a tsvector and not read back."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """For PostgreSQL each word with its place, so that no parser of texts has a say."""
        if connection.vendor != "postgresql" or not isinstance(value, str):
            return value
        return " ".join(f"{word}:{place}" for place, word in enumerate(value.split(), 1))


@WordsField.register_lookup
class Holds(models.Lookup):
    """Whether the words are what a Search looks for."""

    lookup_name = "holds"
    prepare_rhs = False
    rhs: Search

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        raise NotImplementedError(f"words are not searched on {connection.vendor}")

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} @@ %s::tsquery", [*parameters, self.rhs.for_postgresql()]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        alias = connection.ops.quote_name(self.lhs.alias)
        found = "SELECT rowid FROM audit_words WHERE audit_words MATCH %s"
        return f'{alias}."entry" IN ({found})', [self.rhs.for_sqlite()]


class EntryWords(models.Model):
    """What may be searched for in an entry; made a moment after it was sealed."""

    entry = models.BigIntegerField(primary_key=True)
    words = WordsField()

    class Meta:
        verbose_name_plural = "words of entries"

    def __str__(self) -> str:
        return f"words of entry {self.entry}"
