"""Requests run on threads that are kept, one request at a time on each."""

import asyncio
import threading

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from omni2.handler import OneHopHandler, get_application


THREE, RELEASE = threading.Barrier(3), threading.Event()


def where(request):
    return HttpResponse(threading.current_thread().name + str(threading.get_ident()))


def together(request):
    """Answers when three requests are here at once."""
    THREE.wait(5)
    return where(request)


def held(request):
    RELEASE.wait(5)
    return where(request)


def broken(request):
    raise RuntimeError("SELECT secret")


def streamed(request):
    async def pieces():
        yield b"one "
        await asyncio.sleep(0)
        yield b"two"

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("where", where),
    path("together", together),
    path("held", held),
    path("broken", broken),
    path("streamed", streamed),
]
handler500 = "gateway.web.server_error"

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def handler() -> OneHopHandler:
    return get_application()


def scope(place):
    return {
        "type": "http",
        "method": "GET",
        "path": place,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }


async def get(handler, place):
    """Status and body of one request."""
    browser = ApplicationCommunicator(handler, scope(place))
    await browser.send_input({"type": "http.request"})
    start = await browser.receive_output(5)
    body, more = b"", True
    while more:
        piece = await browser.receive_output(5)
        body, more = body + piece.get("body", b""), piece.get("more_body", False)
    await browser.wait()
    return start["status"], body.decode()


def test_one_after_the_other_run_on_one_kept_thread(handler):
    async def visit():
        return [await get(handler, "/where") for _ in range(3)]

    [(status, thread)] = set(asyncio.run(visit()))

    assert (status, thread.startswith("omni2-request")) == (200, True)


def test_side_by_side_run_on_threads_of_their_own_which_are_kept(handler):
    async def visit():
        first = await asyncio.gather(*(get(handler, "/together") for _ in range(3)))
        second = await asyncio.gather(*(get(handler, "/together") for _ in range(3)))
        return {body for _, body in first}, {body for _, body in second}

    first, second = asyncio.run(visit())

    assert (len(first), second) == (3, first)


def test_whoever_leaves_early_leaves_no_busy_thread_to_the_next(handler):
    async def visit():
        impatient = ApplicationCommunicator(handler, scope("/held"))
        await impatient.send_input({"type": "http.request"})
        await asyncio.sleep(0.01)
        await impatient.send_input({"type": "http.disconnect"})
        await asyncio.sleep(0.01)
        status, _ = await get(handler, "/where")
        RELEASE.set()
        await impatient.wait()
        return status

    assert asyncio.run(visit()) == 200


def test_an_error_is_answered_and_the_thread_serves_on(handler):
    async def visit():
        return [await get(handler, place) for place in ("/broken", "/where")]

    (status, page), (after, _) = asyncio.run(visit())

    assert (status, after) == (500, 200)
    assert "SELECT" not in page


def test_a_streamed_body_arrives_whole(handler):
    assert asyncio.run(get(handler, "/streamed")) == (200, "one two")


@pytest.mark.parametrize("kind", ["websocket", "nonsense"])
def test_there_is_nothing_but_http(handler, kind):
    with pytest.raises(ValueError, match=kind):
        asyncio.run(handler({"type": kind}, None, None))
