"""The page of one's own accounts at servers, and the way of a browser to one and back."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.auth import who_of
from accounts.models import User
from gateway import own_accounts
from gateway.asker import Asker
from gateway.errors import NotFound
from gateway.models import Door
from gateway.web import person_required
from registry.connecting import Return
from registry.errors import AttemptRefused, RegistryError
from registry.mcp.errors import UpstreamError
from registry.oauth.introduction import document

View = Callable[..., HttpResponse]
# Codes are longer than a few hundred characters nowhere, but some are whole tokens.
LONGEST = 8192
DOCUMENT_SECONDS = 3600


def _told(view: View) -> View:
    """Say on the page of connections what kept the way from going on."""

    @wraps(view)
    def guarded(request: HttpRequest, name: str) -> HttpResponse:
        try:
            return view(request, name)
        except NotFound as error:
            raise Http404 from error
        except AttemptRefused as error:
            messages.error(request, f"Not connected: {error.message}. {error.hint}".strip())
        except RegistryError as error:
            messages.error(request, f"{name} cannot be connected: {error.message}.")
        except UpstreamError as error:
            messages.error(request, f"{name} cannot be connected now: {error.message}")
        return redirect("connections")

    return guarded


@person_required
@never_cache
@require_GET
def connections(request: HttpRequest) -> HttpResponse:
    """One's own accounts: which there are, how they stand."""
    return render(request, "connections.html", {"owned": own_accounts.overview(_asker(request))})


@person_required
@never_cache
@require_POST
@_told
def connect(request: HttpRequest, name: str) -> HttpResponse:
    """Say where the person will be sent, and what will be asked for, before they go."""
    way = own_accounts.begin(_asker(request), name, session=_session(request))
    return render(request, "connect.html", {"way": way, "name": name})


@never_cache
@require_GET
def callback(request: HttpRequest, name: str) -> HttpResponse:
    """The browser comes back from the authorization server."""
    if not (isinstance(request.user, User) and request.user.may_act()):
        # What it brought belongs to a session that is over; it is not carried on.
        return redirect_to_login(reverse("connections"))
    return _finish(request, name)


@_told
def _finish(request: HttpRequest, name: str) -> HttpResponse:
    said = {key: request.GET.get(key, "")[:LONGEST] for key in ("state", "code", "iss", "error")}
    back = Return(said["state"], said["code"], said["iss"], said["error"])
    own_accounts.finish(_asker(request), name, back, session=_session(request))
    messages.success(request, f"Your account at {name} is connected.")
    return redirect("connections")


@require_GET
@cache_control(public=True, max_age=DOCUMENT_SECONDS)
def client_document(_request: HttpRequest, name: str) -> JsonResponse:
    """Who we are to the authorization server of this server, for it to read.

    It says nothing of whether there is such a server: what it holds follows from the name.
    """
    url = own_accounts.document_url(name)
    if not url:
        raise Http404
    return JsonResponse(document(url, own_accounts.callback_url(name)))


@person_required
@require_POST
@_told
def disconnect(request: HttpRequest, name: str) -> HttpResponse:
    """Let go of one's account."""
    own_accounts.disconnect(_asker(request), name)
    messages.success(request, f"Your account at {name} is no longer connected.")
    return redirect("connections")


def _asker(request: Any) -> Asker:
    return Asker(cast(User, request.user), who_of(request, Door.WEB))


def _session(request: HttpRequest) -> str:
    return str(request.session.session_key)
