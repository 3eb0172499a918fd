"""Live steps over real HTTP, from the server as it is deployed."""

import json
import time

import pytest
import requests

from tests.fakes.messages_api import says, uses
from tests.ways.house import house

pytestmark = [pytest.mark.deployed, pytest.mark.xdist_group("events")]

PASSWORD = "correct horse battery"


def script(body):
    """Use a tool, then answer after a while: whoever watches sees steps long before the end."""
    if len(body["messages"]) == 1:
        return uses(("upstream__echo", {"text": "hello"}))
    return says("It echoed hello.", delay=1.5)


@pytest.fixture(scope="module")
def opened():
    with house(script) as running:
        yield running


@pytest.fixture(scope="module")
def dev(opened):
    """A browser's session of dev's, as the set-up link gives it."""
    session = requests.Session()
    link = opened.setup_url("dev@example.com")
    session.get(link)
    form = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
    assert session.post(link, data=form, headers={"Referer": link}).ok
    session.headers.update(
        {"X-CSRFToken": session.cookies["csrftoken"], "Referer": opened.base, "Origin": opened.base}
    )
    return session


def ask(opened, session):
    asked = session.post(f"{opened.base}/api/query", json={"question": "Echo hello."}, timeout=10)
    assert asked.status_code == 202, asked.text
    return asked.json()


def steps(session, url, after=""):
    """(seconds since the request, id, kind, data) of each step, as they arrive."""
    began = time.monotonic()
    with session.get(url, stream=True, headers={"Last-Event-ID": after}, timeout=20) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        found = {}
        for line in response.iter_lines(chunk_size=1, decode_unicode=True):
            name, _, value = line.partition(": ")
            found[name] = value
            if not line:
                data = json.loads(found["data"])
                yield time.monotonic() - began, found.get("id", ""), found["event"], data
                found = {}


def test_steps_arrive_while_the_question_is_worked_on(opened, dev):
    asked = ask(opened, dev)

    seen = list(steps(dev, opened.base + asked["urls"]["events"]))

    kinds = [kind for _, _, kind, _ in seen]
    assert kinds[-1] == "done" and "calling" in kinds and "called" in kinds
    called = next(at for at, _, kind, _ in seen if kind == "called")
    assert seen[-1][0] - called > 1, "the steps came all at once"
    assert seen[-1][3]["answer"] == "It echoed hello."


def test_reading_goes_on_after_the_last_step_that_was_seen(opened, dev):
    asked = ask(opened, dev)
    url = opened.base + asked["urls"]["events"]
    every = list(steps(dev, url))

    again = list(steps(dev, url, after=every[2][1]))

    assert [step[1:] for step in again] == [step[1:] for step in every[3:]]


def test_the_steps_of_somebody_else_are_not_found(opened, dev):
    asked = ask(opened, dev)
    url = opened.base + asked["urls"]["events"]

    assert requests.get(url, timeout=10).status_code == 401
    body = requests.get(url, headers={"Authorization": "Bearer omni2_x_y"}, timeout=10).json()
    assert body["error"]["code"] == "unauthenticated"


def test_cancelling_ends_the_stream_with_a_cancelled_question(opened, dev):
    asked = ask(opened, dev)

    cancelled = dev.post(opened.base + asked["urls"]["cancel"], timeout=10)

    assert cancelled.status_code == 200
    last = list(steps(dev, opened.base + asked["urls"]["events"]))[-1]
    assert (last[2], last[3]["state"]) == ("done", "cancelled")
