"""An endpoint is compared as a whole and keeps its credentials to itself."""

from dataclasses import FrozenInstanceError, replace

import pytest

from registry.mcp.endpoint import Endpoint

ENDPOINT = Endpoint("crm", "http", "https://crm.example/mcp", headers={"authorization": "s3cret"})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"url": "https://other.example/mcp"},
        {"headers": {"authorization": "another"}},
        {"env": {"TOKEN": "x"}},
        {"connect_timeout": 1.0},
        {"internal_addresses": frozenset({"crm.example:80"})},
    ],
)
def test_any_change_makes_another_endpoint(change: dict[str, object]) -> None:
    assert replace(ENDPOINT, **change) != ENDPOINT  # type: ignore[arg-type]


def test_equal_endpoints_are_one_key() -> None:
    assert {ENDPOINT: 1}[replace(ENDPOINT)] == 1


def test_credentials_are_not_shown() -> None:
    assert "s3cret" not in repr(replace(ENDPOINT, env={"TOKEN": "s3cret"}))


def test_endpoint_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ENDPOINT.url = "https://evil.example"  # type: ignore[misc]
