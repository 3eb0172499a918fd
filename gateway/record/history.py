"""Everybody's own history, as pages."""

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import User
from audit import explorer, telling
from audit.explorer import Places
from gateway.record import reading
from gateway.record.entries import NOT_ONES_OWN
from gateway.web import person_required


@person_required
@never_cache
def history(request: HttpRequest) -> HttpResponse:
    """One's own entries, by the filters of the address."""
    entries = reading.own(cast(User, request.user))
    context = explorer.page(entries, request.GET, places=_places(), without=NOT_ONES_OWN)
    return render(request, "history.html", context, status=400 if context["fault"] else 200)


@person_required
@never_cache
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry of one's own, whole."""
    found = reading.own(cast(User, request.user)).filter(pk=entry_id).first()
    if found is None:
        raise Http404
    context: dict[str, Any] = {
        "number": found.pk,
        "places": _places(),
        "changes": telling.changes(found),
        "sections": telling.sections(found, _places()),
    }
    return render(request, "history.html", context)


def _places() -> Places:
    here = reverse("history")
    return Places(entries=here, entry=f"{here}{{}}", question=f"{here}questions/{{}}")
