"""The live steps of a question as server-sent events (https://html.spec.whatwg.org/#server-sent-events).

An async generator: under ASGI a synchronous one would be read whole before its first byte.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from gateway import api_errors, ask, errors, present, progress
from gateway.api import QuestionView, asker_of
from gateway.models import Question
from registry.waiting import release_connection

STEP_SECONDS = 0.05 if not settings.REDIS_URL else 0.15
LOOK_SECONDS = 1.0
# A question may wait for somebody's yes for a day.
WAITING_LOOK_SECONDS = 5.0
# Below the idle limits of common proxies.
KEEP_ALIVE_SECONDS = 15.0


@require_GET
async def events(request: HttpRequest, question_id: UUID) -> HttpResponseBase:
    """Stream the steps after `Last-Event-ID`, ending with `done`; to the person who asked alone."""
    try:
        question = await sync_to_async(_own_question)(request, question_id)
    except (APIException, errors.GatewayError) as error:
        refused = api_errors.answer(error, {})
        response = JsonResponse(refused.data, status=refused.status_code)
        if "WWW-Authenticate" in refused:
            response["WWW-Authenticate"] = refused["WWW-Authenticate"]
        return response
    stream = StreamingHttpResponse(
        _stream(question.pk, request.headers.get("Last-Event-ID", "")),
        content_type="text/event-stream",
    )
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"
    return stream


def _own_question(request: HttpRequest, question_id: UUID) -> Question:
    view = QuestionView()
    view.request = Request(request, authenticators=view.get_authenticators())
    view.check_permissions(view.request)
    return ask.find(question_id, asker=asker_of(view.request))


async def _stream(question_id: UUID, after: str) -> AsyncIterator[bytes]:
    look = sync_to_async(_look)
    looked = said = 0.0
    waits = False
    while True:
        for event in await _steps_after(question_id, after):
            after, said = event.id, time.monotonic()
            yield _frame(event.kind, event.data, id=event.id)
            if event.kind == "done":
                return
            waits = event.kind == "waiting"
        now = time.monotonic()
        if now - looked > (WAITING_LOOK_SECONDS if waits else LOOK_SECONDS):
            looked = now
            kind, data = await look(question_id)
            if kind == "done" or (kind == "waiting" and not waits):
                yield _frame(kind, data)
            if kind == "done":
                return
            waits = kind == "waiting"
        if now - said > KEEP_ALIVE_SECONDS:
            said = now
            yield b": still working\n\n"
        await asyncio.sleep(STEP_SECONDS)


async def _steps_after(question_id: UUID, after: str) -> list[progress.Event]:
    if settings.REDIS_URL:
        return await asyncio.to_thread(progress.read, question_id, after)
    return progress.read(question_id, after)


def _look(question_id: UUID) -> tuple[str, dict[str, Any]]:
    """What the row says, should the steps be lost: that it is done, or waits for approval."""
    question = Question.objects.get(pk=question_id)
    kind: str = ""
    data: dict[str, Any] = {}
    if question.finished:
        kind, data = "done", present.question(question)
    elif question.state == Question.State.WAITING:
        kind, data = "waiting", {"approvals": present.waiting(question)}
    # An open page must not keep a connection from those who work.
    release_connection()
    return kind, data


def _frame(kind: str, data: Mapping[str, Any], *, id: str = "") -> bytes:
    number = f"id: {id}\n" if id else ""
    return f"event: {kind}\n{number}data: {json.dumps(data)}\n\n".encode()
