"""A record to be sent, block by block, and a SIEM's settings."""

from collections.abc import Callable
from typing import Any

import pytest

from audit import following, record, seal
from gateway.outlets import siem


@pytest.fixture
def write(db: None) -> Callable[..., list[int]]:
    """Entries in a block of their own; their numbers as events say them."""

    def run(count: int = 3, **facts: Any) -> list[str]:
        made = record.write_many(record.prepare("auth.login", "ok", **facts) for _ in range(count))
        seal.seal_once()
        return [str(entry.pk) for entry in made]

    return run


@pytest.fixture
def to_siem(settings: Any, db: None) -> Callable[..., None]:
    """Have the record sent to this address from its first block on."""

    def run(url: str, address: str, **more: str) -> None:
        settings.SIEM_URL, settings.INTERNAL_ADDRESSES = url, [address]
        for name, value in more.items():
            setattr(settings, name, value)
        following.start_again(siem.NAME)

    return run
