"""Server specs → rows: each value reaches its column, twice is once, others are left alone."""

from dataclasses import fields, replace
from typing import Any

import pytest

from registry.credentials import unseal
from registry.importing import Outcome, ServerSpec, apply, endpoint_of_spec
from registry.models import Document, Server

pytestmark = pytest.mark.django_db

SPEC = ServerSpec(name="one", transport="http", url="https://one.example.com/mcp")
# Another value of each field.
OTHERS: dict[str, Any] = {
    "transport": "sse",
    "display_name": "One",
    "description": "first",
    "tags": ("a", "b"),
    "enabled": False,
    "trust": "manual",
    "tool_prefix": False,
    "concurrent_calls": 3,
    "may_ask": ("sampling",),
    "url": "https://two.example.com/mcp",
    "argv": ("run", "-a"),
    "cwd": "/srv",
    "authentication": "bearer",
    "timeout_seconds": 2.5,
    "retry_attempts": 3,
    "retry_delay_seconds": 0.5,
    "connection_max_age_seconds": 60,
    "requests_per_minute": 10,
    "burst": 2,
    "argument_defaults": {"path": "/srv", "depth": [1, {"a": None}]},
    "document_url": "https://one.example.com/openapi.json",
    "document": "openapi: 3.1.0",
    "credentials": {"authentication": {"api_key": "${KEY}"}, "env": {"A": "b"}},
}
# A server that stands in is another row.
OF_ROWS = {"fallback"}


def stored(name: str, field: str) -> Any:
    server = Server.objects.get(name=name)
    if field.startswith("document"):
        document = getattr(server, "document", Document())
        return document.text if field == "document" else document.url
    return unseal(server.sealed) if field == "credentials" else getattr(server, field)


def as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_table_of_this_test_holds_every_field() -> None:
    assert OTHERS.keys() | OF_ROWS | {"name"} == {field.name for field in fields(ServerSpec)}


@pytest.mark.parametrize("field", OTHERS)
def test_value_reaches_its_column_when_added_and_when_changed(field: str) -> None:
    changed = replace(SPEC, **{field: OTHERS[field]})
    apply([replace(changed, name="new"), SPEC])
    assert stored("new", field) == as_json(OTHERS[field])
    assert len(apply([changed]).changes) == 1
    assert stored("one", field) == as_json(OTHERS[field])
    apply([SPEC])
    assert stored("one", field) == as_json(getattr(SPEC, field))


def test_the_server_that_stands_in_may_come_later_in_the_file_and_is_taken_back() -> None:
    both = [replace(SPEC, fallback="two"), replace(SPEC, name="two")]
    assert apply(both).changes[-1] == "server one: fallback '' → 'two'"
    assert Server.objects.get(name="one").fallback == Server.objects.get(name="two")
    assert apply(both) == Outcome()
    assert apply([SPEC], prune=False).changes == ("server one: fallback 'two' → ''",)
    assert Server.objects.get(name="one").fallback is None


def test_second_import_changes_nothing() -> None:
    spec = replace(SPEC, **OTHERS)
    apply([spec])
    before = Server.objects.values().get()
    assert apply([spec]) == Outcome()
    assert Server.objects.values().get() == before


def test_difference_is_in_words_and_shows_no_secret() -> None:
    secret = {"authentication": {"api_key": "sk-very-secret"}}
    added = apply([replace(SPEC, authentication="bearer", credentials=secret)])
    changed = apply([replace(SPEC, enabled=False, credentials={})])
    assert added.changes == ("server one: added (http https://one.example.com/mcp)",)
    assert changed.changes == (
        "server one: enabled True → False",
        "server one: authentication 'bearer' → 'none'",
        "server one: credentials changed",
    )
    assert "very" not in repr(replace(SPEC, credentials=secret))


def test_server_that_is_not_named_is_left_alone_or_disabled_with_prune() -> None:
    apply([SPEC, replace(SPEC, name="two")])
    assert apply([SPEC]) == Outcome(missing=("two",))
    assert stored("two", "enabled") is True
    assert apply([SPEC], prune=True) == Outcome(
        ("server two: disabled, since the file does not name it",), ("two",)
    )
    assert stored("two", "enabled") is False
    assert apply([SPEC], prune=True) == Outcome(missing=("two",))


@pytest.mark.parametrize(
    ("change", "health"),
    [
        ({"description": "other"}, "up"),
        ({"url": "https://two.example.com/mcp"}, "unknown"),
        ({"credentials": {"env": {"A": "b"}}}, "unknown"),
    ],
)
def test_new_address_voids_what_was_known_of_its_health(
    change: dict[str, Any], health: str
) -> None:
    apply([SPEC])
    Server.objects.update(health="up")
    apply([replace(SPEC, **change)])
    assert stored("one", "health") == health


def test_credentials_that_cannot_be_read_are_written_anew() -> None:
    spec = replace(SPEC, credentials={"env": {"A": "b"}})
    apply([spec])
    Server.objects.update(sealed="gAAAA not ours")
    assert apply([spec]).changes == ("server one: credentials changed",)
    assert stored("one", "credentials") == {"env": {"A": "b"}}


def test_endpoint_of_a_spec_has_its_credentials_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "k-123456")
    credentials = {"authentication": {"api_key": "${ONE_KEY}"}}
    endpoint = endpoint_of_spec(replace(SPEC, authentication="bearer", credentials=credentials))
    assert endpoint.headers == {"Authorization": "Bearer k-123456"}
