"""A client that waits: its stream is kept open, and its going away is noticed."""

import asyncio
import json

import pytest

from gateway.mcp_endpoint import waiting
from gateway.mcp_endpoint.waiting import Gone, Stream, Waiting, until_done
from tests.mcp_client import ask

SLOW = {"name": "upstream__slow", "arguments": {"seconds": 0.4}}


def test_an_answer_that_takes_its_time_comes_as_a_stream(cast, upstream, mcp_url, monkeypatch):
    monkeypatch.setattr(waiting, "PING_SECONDS", 0.1)
    key = cast.key(cast.dev)
    slow = ask(mcp_url, key, "tools/call", SLOW)
    quick = ask(mcp_url, key, "tools/call", SLOW | {"arguments": {"seconds": 0}})

    assert (slow.status_code, slow.headers["Content-Type"]) == (200, "text/event-stream")
    *pings, answer, end = slow.text.split("\r\n\r\n")
    assert (set(pings), end) == ({": ping"}, "")
    kind, _, message = answer.partition("\r\ndata: ")
    assert (kind, json.loads(message)["id"]) == ("event: message", 1)
    assert json.loads(message)["result"]["content"][0]["text"] == "slept 0.4 s"
    assert quick.headers["Content-Type"] == "application/json"


def test_an_error_at_the_end_of_a_stream_is_an_event_too(cast, upstream, mcp_url, monkeypatch):
    monkeypatch.setattr(waiting, "PING_SECONDS", 0.1)
    answer = ask(mcp_url, cast.key(cast.dev), "tools/call", {**SLOW, "arguments": {}})
    late = ask(mcp_url, cast.key(cast.dev), "tools/call", SLOW)

    assert (answer.status_code, answer.json()["result"]["isError"]) == (200, True)
    assert late.status_code == 200


class Client:
    """What a client of the endpoint is sent, and when it goes."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gone = asyncio.Event()

    async def send(self, message):
        self.sent.append(message["type"].rpartition(".")[2])

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


def waited(monkeypatch, *, admitted=True, leaves=None, seconds=0.3):
    """How waiting for work of so many seconds ends: what was sent, and whether it was stopped."""
    monkeypatch.setattr(waiting, "PING_SECONDS", 0.1)

    async def run():
        client, state = Client(), Waiting(is_admitted=admitted)
        work = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(seconds, work.set_result, "done")
        if leaves is not None:
            asyncio.get_running_loop().call_later(leaves, client.gone.set)
        ended = ""
        try:
            await until_done(work, state, client.receive, stream=Stream(client.send))
            ended = work.result()
        except Gone:
            ended = "gone"
        return ended, client.sent, state.stop.is_set()

    return asyncio.run(run())


def test_nothing_is_sent_before_the_answer_where_it_is_soon_there(monkeypatch):
    assert waited(monkeypatch, seconds=0.02) == ("done", [], True)


def test_pings_keep_the_stream_open(monkeypatch):
    ended, sent, _ = waited(monkeypatch)
    assert (ended, sent[0]) == ("done", "start")
    assert set(sent[1:]) == {"body"}


def test_no_stream_begins_before_it_is_known_who_asks(monkeypatch):
    assert waited(monkeypatch, admitted=False) == ("done", [], True)


def test_work_for_a_client_that_has_gone_is_told_to_stop(monkeypatch):
    assert waited(monkeypatch, leaves=0.07, seconds=5) == ("gone", [], True)


@pytest.mark.parametrize("error", [ValueError("late"), None])
def test_how_the_work_of_one_who_has_gone_ends_is_no_news(monkeypatch, caplog, error):
    async def run():
        client, state = Client(), Waiting()
        client.gone.set()
        work = asyncio.get_running_loop().create_future()
        with pytest.raises(Gone):
            await until_done(work, state, client.receive, stream=Stream(client.send))
        if error is None:
            work.cancel()
        else:
            work.set_exception(error)
        await asyncio.sleep(0)
        del work

    asyncio.run(run())
    assert caplog.records == []
