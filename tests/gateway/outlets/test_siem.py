"""To a SIEM that fails in between, over HTTP: all of the record, in order, each at least once."""

import json

import pytest
from django.utils import timezone

from audit import following
from audit.models import Entry, Follower
from gateway.alerts import webhook
from gateway.models import Outlet
from gateway.outlets import resting, siem
from tests.fakes import sink as sinks

SECRET = "whsec_" + "c2VjcmV0" * 5


@pytest.fixture
def sink():
    with sinks.serve() as running:
        yield running


@pytest.fixture
def told(sink, to_siem):
    """The sink is the SIEM; the numbers of the entries it was sent, in the order they came."""
    to_siem(f"{sink.url}/in", sink.address, SIEM_TOKEN="a-token", SIEM_SIGNING_SECRET=SECRET)

    def numbers():
        lines = [line for posted in sink.posted for line in posted.body.splitlines()]
        return [json.loads(line)["metadata"]["uid"] for line in lines]

    return numbers


def rested():
    Outlet.objects.update(rests_until=timezone.now())


def test_what_is_sealed_arrives_once_in_order_as_json_lines(write, told, sink):
    first, second = write(3), write(2)
    assert (siem.forward(), siem.forward()) == (2, 0)

    assert told() == first + second
    [posted] = sink.posted
    assert (posted.path, posted.headers["content-type"]) == ("/in", "application/x-ndjson")
    assert posted.headers["authorization"] == "Bearer a-token"
    id, at = posted.headers["webhook-id"], int(posted.headers["webhook-timestamp"])
    assert id == f"{first[0]}-{second[-1]}"
    signed = webhook.signed(posted.body, id=id, secret=SECRET, at=at)
    assert posted.headers["webhook-signature"] == signed["webhook-signature"]


def test_through_failures_all_of_it_arrives(write, told, sink, monkeypatch):
    monkeypatch.setattr(siem, "AT_ONCE", 2)
    written = []
    for answers in ([], [500], [204, 503], [429, 204, 401], []):
        written += write(5)
        sink.answers += answers
        for _ in range(4):
            siem.forward()
            rested()

    numbers = told()
    assert sorted(set(numbers), key=int) == written
    assert list(dict.fromkeys(numbers)) == written
    assert len(numbers) > len(written), "nothing had failed in between"
    assert following.behind(siem.NAME) == 0


def test_one_that_dies_after_sending_has_it_sent_again(write, told, monkeypatch):
    written = write(3)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(resting, "worked", dies)
        with pytest.raises(KeyboardInterrupt):
            siem.forward()
    assert told() == written

    assert siem.forward() == 1
    assert told() == written * 2


def test_one_that_fails_rests_longer_each_time_and_says_why(write, told, sink):
    write(1)
    pauses = []
    for _ in range(5):
        sink.answers += [503]
        assert siem.forward() == 0
        assert siem.forward() == 0, "it did not rest"
        row = Outlet.objects.get()
        pauses.append(round((row.rests_until - timezone.now()).total_seconds()))
        rested()

    assert pauses == [5, 15, 60, 300, 300]
    assert (row.error, row.failures, len(sink.posted)) == ("It answered 503.", 5, 5)
    assert siem.forward() == 1
    row.refresh_from_db()
    assert (row.error, row.failures, row.entries) == ("", 0, 1)


def test_it_says_how_far_behind_it_is(write, told, sink):
    write(1)
    write(1)
    sink.answers += [503]
    siem.forward()
    behind = resting.fares(siem.NAME)
    assert (behind.behind_blocks, behind.error) == (2, "It answered 503.")
    assert 0 <= behind.behind_seconds < 60

    rested()
    siem.forward()
    now = resting.fares(siem.NAME)
    assert (now.behind_blocks, now.behind_seconds, now.entries, now.error) == (0, 0, 2, "")


def test_sending_begins_with_what_is_sealed_from_then_on(write, told):
    Follower.objects.all().delete()
    write(2)
    assert siem.forward() == 0
    later = write(1)
    siem.forward()

    assert told() == later


def test_without_an_address_nothing_is_sent_and_nobody_follows(write, settings):
    settings.SIEM_URL = ""
    write(1)

    assert (siem.forward(), Follower.objects.count(), resting.configured()) == (0, 0, [])


@pytest.mark.parametrize("url", ["http://{}/in", "syslog+tcp://{}", "syslog+udp://{}"])
def test_an_address_that_is_not_listed_is_not_dialled(write, told, sink, settings, url):
    write(1)
    settings.SIEM_URL, settings.INTERNAL_ADDRESSES = url.format(sink.address), []

    assert siem.forward() == 0
    assert sink.posted == []
    assert "not" in Outlet.objects.get().error


def test_a_token_stands_in_no_error(write, told, sink, settings):
    write(1)
    settings.SIEM_TOKEN = "bad\r\ntoken-of-ours"
    siem.forward()

    assert Outlet.objects.get().error
    assert "token-of-ours" not in Outlet.objects.get().error
    assert sink.posted == []


def test_sending_leaves_no_entry_of_its_own(write, told):
    write(1)
    siem.forward()

    assert Entry.objects.count() == 1
