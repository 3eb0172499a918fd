"""Requests to addresses an administrator gave: one, guarded, and no further."""

import pytest

from registry import outgoing
from registry.mcp.errors import GuardRefused, TimedOut, Unreachable
from tests.fakes import sink as sinks
from tests.ipv6 import HERE, SPELLINGS, needs_ipv6


@pytest.fixture
def sink(settings):
    with sinks.serve() as running:
        settings.INTERNAL_ADDRESSES = [running.address]
        yield running


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
def test_it_is_posted_once_and_the_status_is_told(sink, status):
    sink.answers += [status]

    assert outgoing.post(f"{sink.url}/a?b=c", b"body", {"x-own": "1"}) == status
    [posted] = sink.posted
    assert (posted.path, posted.body, posted.headers["x-own"]) == ("/a?b=c", b"body", "1")


@needs_ipv6
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_is_posted_to_an_ipv6_address(settings, spelling):
    with sinks.serve(HERE) as sink:
        settings.INTERNAL_ADDRESSES = [sink.address]
        url = sink.url.replace("[::1]", spelling)
        outgoing.check(url)
        assert outgoing.post(url, b"body", {}) == 204

    [posted] = sink.posted
    assert posted.headers["host"] == sink.address


def test_what_the_operator_has_not_listed_is_neither_accepted_nor_dialled(sink, settings):
    settings.INTERNAL_ADDRESSES = []
    with pytest.raises(GuardRefused):
        outgoing.check(sink.url)
    with pytest.raises(GuardRefused):
        outgoing.post(sink.url, b"", {})

    assert sink.posted == []


def test_nobody_there_and_nobody_who_answers_are_told(settings):
    with sinks.serve() as gone:
        settings.INTERNAL_ADDRESSES = [gone.address]
    with pytest.raises(Unreachable):
        outgoing.post(gone.url, b"", {})


def test_it_ends_in_its_time(sink):
    sink.seconds = 0.5
    with pytest.raises(TimedOut):
        outgoing.post(sink.url, b"", {}, seconds=0.1)
