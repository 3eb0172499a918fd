"""The page on which an administrator decides on tools that wait, as they stand there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.recorded import who_at
from registry import deciding, reviewing, showing
from registry.errors import RegistryError
from registry.models import Tool
from registry.reviewing import Review

LIST = "admin:registry_tool_changelist"


class Seen(forms.Form):
    """The fingerprint of what the administrator looked at."""

    seen = forms.CharField(widget=forms.HiddenInput)


class Shown(NamedTuple):
    """A tool on the page, with what there is to see of it."""

    review: Review
    reason: SafeString
    reviewed: SafeString


def page(request: HttpRequest, tools: Sequence[Tool], pages: Any) -> HttpResponse:
    """All these tools with their differences; what is dangerous or unusable is not ticked."""
    shown = [
        Shown(one, showing.visible(one.tool.state_reason), showing.reviewed(one))
        for one in reviewing.review(tools)
    ]
    context = pages.admin_site.each_context(request) | {
        "opts": Tool._meta,
        "title": "Decide on these tools",
        "shown": shown,
        "back": reverse(LIST),
    }
    return TemplateResponse(request, "admin/omni2/decide_tools.html", context)


def decide_as_ticked(tools: Sequence[Tool], request: HttpRequest, verb: str) -> str:
    """Accept or reject what was ticked on the page; a ValidationError says why not."""
    ticked = [one.partition(":") for one in request.POST.getlist("seen")]
    seen = {key: form for key, _, form in ticked}
    chosen = [tool for tool in tools if str(tool.pk) in seen]
    if not chosen or len(chosen) < len(seen):
        raise ValidationError("Tick what is to be decided; somebody may have decided meanwhile.")
    return decide(chosen, request, verb, seen={tool.pk: seen[str(tool.pk)] for tool in chosen})


def decide(
    tools: Sequence[Tool], request: HttpRequest, verb: str, *, seen: Mapping[int, str]
) -> str:
    """Accept or reject what was looked at, all or none; a ValidationError says why not."""
    do = deciding.accept if verb == "accept" else deciding.reject
    try:
        do(tools, who_at(request), seen=seen)
    except RegistryError as error:
        raise ValidationError(error.message) from error
    names = ", ".join(str(tool) for tool in tools)
    one = len(tools) == 1
    if verb == "accept":
        return f"{names} {'is' if one else 'are'} offered from now on."
    return f"{names} {'stays' if one else 'stay'} set aside."
