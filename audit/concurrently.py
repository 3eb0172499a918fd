"""Indexes of a large table, made while it is written to."""

from typing import Any

from django.contrib.postgres.operations import NotInTransactionMixin
from django.db import migrations


class _Concurrently(NotInTransactionMixin):
    """On PostgreSQL without a lock against writers; elsewhere as Django does it.

    For a migration that is not atomic. What an earlier attempt left unfinished is made anew.
    """

    model_name: str

    def _drop(self, editor: Any, name: str) -> None:
        self._ensure_not_in_transaction(editor)
        editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {editor.quote_name(name)}")

    def _add(self, editor: Any, model: Any, index: Any) -> None:
        self._drop(editor, index.name)
        editor.add_index(model, index, concurrently=True)


class AddIndex(_Concurrently, migrations.AddIndex):
    """An index more."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        self._add(schema_editor, model, self.index)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        self._drop(schema_editor, self.index.name)


class RemoveIndex(_Concurrently, migrations.RemoveIndex):
    """An index less."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._drop(schema_editor, str(self.name))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        state = to_state.models[app_label, self.model_name_lower]
        model = to_state.apps.get_model(app_label, self.model_name)
        self._add(schema_editor, model, state.get_index_by_name(self.name))
