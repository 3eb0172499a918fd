"""The page of the access matrix. It reads `/api/admin/policy/matrix`, as a program would."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import authority
from accounts.models import PolicyVersion, Role, User
from gateway.matrix import MAXIMUM_COLUMNS, USUAL_PEOPLE
from registry.models import Server

VERSIONS_SHOWN = 50
PEOPLE_SUGGESTED = 2000


def may_see(request: HttpRequest) -> bool:
    """Whether this administrator may see what the policy says about others."""
    user = request.user
    return isinstance(user, User) and authority.has_any(user, *authority.SEES_OTHERS)


def page(request: HttpRequest) -> HttpResponse:
    """Choose columns and versions; the table is drawn by `gateway/matrix.js`."""
    if not may_see(request):
        raise PermissionDenied
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": "Access matrix",
        "roles": Role.objects.order_by("name")[:MAXIMUM_COLUMNS],
        "people": User.objects.order_by("email").values_list("email", flat=True)[:PEOPLE_SUGGESTED],
        "servers": Server.objects.order_by("name").values_list("name", flat=True),
        "versions": PolicyVersion.objects.order_by("-id").defer("document")[:VERSIONS_SHOWN],
        "usual_people": USUAL_PEOPLE,
        "maximum_columns": MAXIMUM_COLUMNS,
    }
    return TemplateResponse(request, "admin/omni2/matrix.html", context)
