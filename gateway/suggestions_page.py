"""The page of what the policy gives and nobody used. What is chosen on it goes into a draft."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts import authority, versions
from accounts.authority import Right
from accounts.errors import NotFound
from accounts.least_privilege.model import Kind, Suggestion
from accounts.least_privilege.proof import Found
from accounts.least_privilege.used import DEFAULT_DAYS, MOST_DAYS, suggestions_since
from accounts.models import User
from audit.numerals import is_digits

PERIODS = (30, 90, 180, 365)
# A form has no more fields than Django takes.
MOST_SHOWN = 500


@dataclass(frozen=True)
class Part:
    """The suggestions of one kind, with what they have in common in words."""

    title: str
    text: str
    suggestions: tuple[Suggestion, ...]


_WORDS = {
    Kind.UNUSED_GRANT: (
        "Grants nobody used",
        "They were there before this time began, and no call was made by them. They are revoked.",
    ),
    Kind.WILDCARD: (
        "Wildcards that could be the tools used",
        "A pattern gives more than was ever called. The tools that were called are named instead.",
    ),
    Kind.REACH: (
        "Servers that were never called",
        "They are within reach, and none of their tools was called. The reach becomes the others.",
    ),
    Kind.SMALLER_ROLE: (
        "People who would manage with a smaller role",
        "Another role gives them every tool they called, and nothing that they have not today.",
    ),
}


def may_see(request: HttpRequest) -> bool:
    """Whether this administrator may read the record: it says who used what."""
    user = request.user
    return isinstance(user, User) and authority.has(user, Right.VIEW_AUDIT_LOGS)


def page(request: HttpRequest) -> HttpResponse:
    """Everything that could be given no longer, by kind; a POST is answered with the draft's file.

    What is chosen is sent to the page of the draft, where there is one for this administrator.
    """
    if not may_see(request):
        raise PermissionDenied
    if request.method == "POST":
        return _file(request)
    days = days_of(request.GET)
    found = suggestions_since(timezone.now() - timedelta(days=days))
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": "Least privilege",
        "days": days,
        "periods": sorted({*PERIODS, days}),
        "found": found,
        "parts": list(_parts(found)),
        "more": max(len(found.suggestions) - MOST_SHOWN, 0),
        "may_draft": isinstance(request.user, User) and versions.may_replace(request.user),
        "to_file": {"formaction": reverse("admin:suggestions")},
    }
    return TemplateResponse(request, "admin/omni2/suggestions.html", context)


def days_of(said: Any) -> int:
    """How far back a form asks to look; the usual time for what is no number of days."""
    text = str(said.get("days", ""))
    days = int(text) if is_digits(text, 5) else 0
    return days if 1 <= days <= MOST_DAYS else DEFAULT_DAYS


def chosen(request: HttpRequest) -> str:
    """The policy.yaml of what was chosen on the page; empty where nothing was.

    Raises NotFound for what is no longer suggested.
    """
    found = suggestions_since(timezone.now() - timedelta(days=days_of(request.POST)))
    ids = request.POST.getlist("id")
    return found.draft_of(ids) if ids else ""


def _file(request: HttpRequest) -> HttpResponse:
    try:
        text = chosen(request)
    except NotFound as error:
        messages.error(request, f"{error} Look again.")
        return redirect(f"{reverse('admin:suggestions')}?days={days_of(request.POST)}")
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="policy.yaml"'
    return response


def _parts(found: Found) -> Any:
    shown = found.suggestions[:MOST_SHOWN]
    for kind, (title, text) in _WORDS.items():
        of_kind = tuple(one for one in shown if one.kind == kind)
        if of_kind:
            yield Part(title, text, of_kind)
