"""The page of a policy.yaml: what it would change, in rules, in effect and on recorded calls; then
put in force. It does what `import_policy` does, `--dry-run` and `--against` first.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from accounts import versions
from accounts.errors import NotFound
from accounts.least_privilege.used import DEFAULT_DAYS, MOST_DAYS
from accounts.models import User
from audit.recorded import who_at
from gateway import suggestions_page
from omni2.configuration.importing import import_files
from omni2.configuration.problems import ConfigurationRefused, Report
from omni2.configuration.reading import Written
from omni2.configuration.rehearsing import Rehearsing
from omni2.configuration.vocabulary import DRAFT

MOST_LINES = 200


class DraftForm(forms.Form):
    """The text of a policy.yaml, and how long back its rehearsal looks."""

    text = forms.CharField(
        label="policy.yaml",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 18, "spellcheck": "false"}),
        help_text="What it does not speak of stays as it is.",
    )
    days = forms.IntegerField(
        label="Rehearse on the calls of so many days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=DEFAULT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@dataclass(frozen=True)
class Part:
    """Some lines of what the draft would do, under their title."""

    title: str
    lines: list[str]
    if_none: str


def may_use(request: HttpRequest) -> bool:
    """Whether this administrator may put another policy in force."""
    user = request.user
    return isinstance(user, User) and versions.may_replace(user)


def page(request: HttpRequest) -> HttpResponse:
    """An empty draft, or the one that is sent: rehearsed, or put in force as it was rehearsed."""
    if not may_use(request):
        raise PermissionDenied
    if request.method != "POST":
        return _show(request, DraftForm())
    try:
        form = DraftForm(_said(request))
    except NotFound as error:
        messages.error(request, f"{error} Look again.")
        return redirect("admin:suggestions")
    if not form.is_valid():
        return _show(request, form)
    if request.POST.get("act") == "import":
        return _put_in_force(request, form)
    return _rehearse(request, form)


def _said(request: HttpRequest) -> Any:
    """What was typed here; or chosen among the suggestions."""
    if request.POST.get("act") != "draft":
        return request.POST
    days = suggestions_page.days_of(request.POST)
    return {"text": suggestions_page.chosen(request), "days": days}


def _import(request: HttpRequest, form: DraftForm, **options: Any) -> Report:
    draft = Written(DRAFT, form.cleaned_data["text"])
    return import_files({DRAFT: draft}, who=who_at(request), **options)


def _rehearse(request: HttpRequest, form: DraftForm) -> HttpResponse:
    since = timezone.now() - timedelta(days=form.cleaned_data["days"])
    try:
        report = _import(request, form, dry_run=True, rehearsing=Rehearsing(since))
    except ConfigurationRefused as error:
        return _show(request, form, problems=error.report.problems)
    return _show(request, form, report=report, seen=_mark(report), parts=_parts(report))


def _put_in_force(request: HttpRequest, form: DraftForm) -> HttpResponse:
    """Import the draft, if it still does what was seen."""
    before = versions.newest()
    try:
        if request.POST.get("seen") != _mark(_import(request, form, dry_run=True)):
            messages.warning(request, "It does not do what you have seen any more. Look again.")
            return _rehearse(request, form)
        report = _import(request, form)
    except ConfigurationRefused as error:
        return _show(request, form, problems=error.report.problems)
    newest, count = versions.newest(), len(report.changes)
    messages.success(request, f"In force: {count} change{'s' if count != 1 else ''}.")
    if newest is None or newest == before:
        return redirect("admin:policy_draft")
    return redirect(reverse("admin:accounts_policyversion_change", args=(newest.pk,)))


def _mark(report: Report) -> str:
    """What tells whether a draft does what somebody has seen."""
    said = json.dumps([report.changes, report.difference, report.effect])
    return hashlib.sha256(said.encode()).hexdigest()


def _parts(report: Report) -> list[Part]:
    """What the draft would do, in the order that an import prints it."""
    calls = "no call is on record in this time"
    parts = [
        Part("Changes", report.changes, "nothing"),
        Part("Difference in rules", report.difference, "none: people or grants alone"),
        Part("Who gains, who loses", report.effect, "nobody, as far as tools go"),
        Part("On recorded calls", report.rehearsal, calls),
    ]
    return [Part(one.title, _cut(one.lines), one.if_none) for one in parts]


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]


def _show(request: HttpRequest, form: DraftForm, **more: Any) -> HttpResponse:
    context = admin.site.each_context(request) | {"title": "Policy draft", "form": form} | more
    return TemplateResponse(request, "admin/omni2/draft.html", context)
