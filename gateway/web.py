"""The pages: ask a question, set a password by a one-time link, and the errors."""

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from accounts.auth import who_of
from accounts.models import SetupLink, User
from audit import record
from audit.models import Entry
from gateway.errors import body
from gateway.models import Door


@login_required
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page to ask on."""
    return render(request, "home.html", {"version": settings.VERSION})


@never_cache
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Set a password by a one-time link, and be logged in."""
    link = SetupLink.find(token)
    if link is None:
        return render(request, "setup_gone.html", status=410)
    form = SetPasswordForm(link.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _set_up(request, link, form)
    return render(request, "setup.html", {"form": form, "person": link.user})


def _set_up(request: HttpRequest, link: SetupLink, form: forms.Form) -> HttpResponse:
    with transaction.atomic():
        if not link.claim():
            return render(request, "setup_gone.html", status=410)
        user: User = form.save()
        login(request, user)
        record.write(Entry.Kind.SETUP_DONE, Entry.Outcome.OK, who=who_of(request, Door.WEB))
    return redirect("home")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, in the language of whoever came: JSON under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return JsonResponse(body("not_found", "There is nothing here."), status=404)
    return render(request, "error.html", {"title": "There is nothing here"}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without a word about what happened inside."""
    if request.path.startswith("/api/"):
        return JsonResponse(body("internal", "Something went wrong on our side."), status=500)
    return render(request, "error.html", {"title": "Something went wrong on our side"}, status=500)
