"""No rules but a test's own, a sink for webhooks, and a record watched from its beginning."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audit import following, record, seal
from audit.record import Who
from gateway.alerts import watching, webhook
from gateway.models import AlertRule, Destination
from tests.fakes import sink as sinks
from tests.fakes.sink import Sink


@pytest.fixture(autouse=True)
def watched(db: None) -> None:
    """The record from here on, with no rules."""
    AlertRule.objects.all().delete()
    following.start_again(watching.FOLLOWER)


@pytest.fixture
def happen() -> Callable[..., list[Any]]:
    """Record something so many times, seal it, and have the rules held against it."""

    def run(kind: str, person: str = "", times: int = 1, outcome: str = "ok", **facts: Any) -> Any:
        who = Who(person=person, address=facts.pop("address", ""))
        made = record.write_many(
            record.prepare(kind, outcome, who=who, **facts) for _ in range(times)
        )
        seal.seal_once()
        watching.watch()
        return made

    return run


@pytest.fixture(scope="session")
def open_sink() -> Iterator[Sink]:
    with sinks.serve() as running:
        yield running


@pytest.fixture
def sink(open_sink: Sink, settings: Any) -> Sink:
    """The sink, with nothing posted to it yet; the operator has listed its address."""
    settings.INTERNAL_ADDRESSES = [open_sink.address]
    open_sink.forget()
    return open_sink


@pytest.fixture
def hook(sink: Sink) -> Destination:
    """A destination at the sink."""
    made = Destination(name="hook", url=f"{sink.url}/alerts?for=us")
    webhook.new_secret(made)
    made.save()
    return made
