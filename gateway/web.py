"""The pages to ask a question on, and the errors."""

import logging
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from accounts import authority
from accounts.models import User
from gateway import present
from gateway.errors import body, new_error_id
from gateway.models import Conversation, Question

log = logging.getLogger(__name__)

RECENT_CONVERSATIONS = 15
QUESTIONS_LOOKED_AT = 100
QUESTIONS_SHOWN = 50

View = Callable[..., HttpResponse]


def person_required(view: View) -> View:
    """Let only somebody through who is logged in and may act now; others go to the login page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User) and request.user.may_act():
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return guarded


# --- Asking ---------------------------------------------------------------------------------------
@person_required
@ensure_csrf_cookie
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The page to ask on."""
    return _ask_page(request, None, [])


@person_required
@ensure_csrf_cookie
@never_cache
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One of the person's own conversations, to read again and to go on with."""
    person = cast(User, request.user)
    found = Conversation.objects.filter(pk=conversation_id, person=person).first()
    if found is None:
        raise Http404
    newest = found.questions.filter(person=person).prefetch_related("calls")[:QUESTIONS_SHOWN]
    return _ask_page(request, found, reversed(newest))


def _ask_page(
    request: HttpRequest, shown: Conversation | None, questions: Iterable[Question]
) -> HttpResponse:
    context = {
        "conversation": shown,
        "questions": [present.question(question) for question in questions],
        "recent": _recent(cast(User, request.user)),
        "maximum": settings.QUESTION_MAX_CHARACTERS,
        "version": settings.VERSION,
        "administers": authority.administers(cast(User, request.user)),
    }
    return render(request, "home.html", context)


def _recent(person: User) -> list[tuple[Question, Question]]:
    """The first and the newest question of each of this person's latest conversations."""
    latest = Question.objects.filter(person=person).only(
        "text", "state", "door", "created_at", "conversation_id"
    )
    found: dict[UUID, tuple[Question, Question]] = {}
    for question in latest[:QUESTIONS_LOOKED_AT]:
        _, newest = found.get(question.conversation_id, (question, question))
        found[question.conversation_id] = (question, newest)
    return list(found.values())[:RECENT_CONVERSATIONS]


# --- Errors ---------------------------------------------------------------------------------------
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for more than is read of one request."""
    if isinstance(exception, RequestDataTooBig):
        message = "What was sent is larger than 1 MiB. Nothing was changed."
        return _error(request, 413, "too_large", message)
    return _error(request, 400, "bad_request", "This request cannot be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _error(request, 403, "not_allowed", "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that did not come from our own page, or from one that was open too long."""
    message = "This form is no longer valid. Go back, load the page again and send it once more."
    return _error(request, 403, "csrf", message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _error(request, 404, "not_found", "There is nothing here.")


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without a word about what happened inside; the id stands in the log as well.

    503 where it is the database that does not answer: the same may do in a moment.
    """
    error_id = new_error_id()
    log.error("error %s at %s", error_id, request.path, exc_info=True)
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return _unavailable(request, error_id)
    return _error(request, 500, "internal", "Something went wrong on our side.", error_id=error_id)


def _unavailable(request: HttpRequest, error_id: str) -> HttpResponse:
    message = "The database does not answer; try again."
    response = _error(request, 503, "unavailable", message, error_id=error_id)
    response["Retry-After"] = "5"
    return response


def _error(
    request: HttpRequest, status: int, code: str, message: str, *, error_id: str = ""
) -> HttpResponse:
    """In the language of whoever came: JSON under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return JsonResponse(body(code, message, error_id=error_id), status=status)
    context = {"status": status, "message": message, "error_id": error_id}
    return render(request, "error.html", context, status=status)
