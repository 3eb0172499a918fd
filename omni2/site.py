"""The admin's site: everybody's login, its navigation, the content policy its scripts need."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_update
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse, reverse_lazy
from unfold.sites import UnfoldAdminSite

from accounts import authority
from accounts.models import User
from gateway import access_requests, matrix_page, suggestions_page, usage_page
from gateway.login import LogoutView
from gateway.models import Incident
from gateway.record import dashboard, trace_page
from omni2 import draft_page
from registry.models import Tool


class Site(UnfoldAdminSite):
    """Unfold's site, for staff who may act."""

    index_title = "Administration"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this is staff, or somebody whose role may administer something."""
        user = request.user
        return isinstance(user, User) and authority.administers(user)

    def admin_view(self, view: Any, cacheable: bool = False) -> Callable[..., HttpResponse]:
        """The view behind the site's checks, under the admin's own content policy."""
        relaxed: Any = csp_update(settings.ADMIN_CONTENT_SECURITY_POLICY)
        return relaxed(super().admin_view(view, cacheable))

    def get_urls(self) -> list[Any]:
        """The models' pages, and those that belong to no model."""
        own = [
            path("dashboard/", self.admin_view(dashboard.page), name="dashboard"),
            path("access-matrix/", self.admin_view(matrix_page.page), name="access_matrix"),
            path("least-privilege/", self.admin_view(suggestions_page.page), name="suggestions"),
            path(
                "questions/<uuid:question_id>/",
                self.admin_view(trace_page.page),
                name="question_trace",
            ),
            path("usage/", self.admin_view(usage_page.page), name="usage"),
            path("policy-draft/", self.admin_view(draft_page.page), name="policy_draft"),
        ]
        return own + super().get_urls()

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Everybody's login page; somebody logged in who is not staff is told so."""
        if isinstance(request.user, User) and request.user.may_act():
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return LogoutView.as_view()(request)


# Pages that belong to no model, each with who may see it.
_MORE: dict[str, tuple[str, Callable[[HttpRequest], bool]]] = {
    "dashboard": ("admin:dashboard", dashboard.may_see),
    "access_matrix": ("admin:access_matrix", matrix_page.may_see),
    "suggestions": ("admin:suggestions", suggestions_page.may_see),
    "usage": ("admin:usage", matrix_page.may_see),
    "policy_draft": ("admin:policy_draft", draft_page.may_use),
}

_GROUPS: list[tuple[str, list[tuple[str, str, str]]]] = [
    (
        "Registry",
        [
            ("Servers", "dns", "registry.server"),
            ("Tools", "build", "registry.tool"),
            ("Connected accounts", "link", "registry.connectedaccount"),
            ("Health checks", "monitor_heart", "registry.healthcheck"),
        ],
    ),
    (
        "People & policy",
        [
            ("People", "person", "accounts.user"),
            ("Teams", "groups", "accounts.team"),
            ("Roles", "badge", "accounts.role"),
            ("Rules", "gavel", "accounts.rule"),
            ("Grants", "key_vertical", "accounts.servergrant"),
            ("Access requests", "front_hand", "accounts.accessrequest"),
            ("API keys", "key", "accounts.apikey"),
            ("Usage limits", "speed", "accounts.usagelimit"),
            ("Usage", "data_usage", "usage"),
            ("Newcomers", "person_add", "accounts.provisioningrule"),
            ("Access matrix", "grid_on", "access_matrix"),
            ("Least privilege", "content_cut", "suggestions"),
            ("Policy draft", "edit_document", "policy_draft"),
            ("Policy versions", "history", "accounts.policyversion"),
            ("Admin groups", "admin_panel_settings", "auth.group"),
        ],
    ),
    (
        "Record",
        [
            ("Dashboard", "bar_chart", "dashboard"),
            ("Entries", "receipt_long", "audit.entry"),
            ("Alerts", "notifications", "gateway.incident"),
            ("Alert rules", "rule", "gateway.alertrule"),
            ("Destinations", "outgoing_mail", "gateway.destination"),
            ("Approvals", "approval", "gateway.approval"),
            ("Questions", "forum", "gateway.question"),
            ("Calls", "call_made", "gateway.call"),
            ("Conversations", "chat", "gateway.conversation"),
            ("Model turns", "smart_toy", "gateway.turn"),
            ("Seals", "lock", "audit.block"),
            ("Slack deliveries", "send", "slackapp.delivery"),
        ],
    ),
]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The admin's navigation: the pages this administrator may see, by what they are about."""
    ask: dict[str, Any] = {
        "title": "Ask a question",
        "icon": "door_open",
        "link": reverse_lazy("home"),
    }
    # Its path begins every other one, which would count as being there.
    ask["active"] = lambda _: False
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}
    groups: list[dict[str, Any]] = [{"title": "Ask", "items": [ask, overview]}]
    for title, pages in _GROUPS:
        items: list[dict[str, Any]] = [
            {"title": name, "icon": icon, "link": reverse_lazy(_changelist(model))}
            for name, icon, model in pages
            if _may_view(request, model)
        ]
        for item in items:
            waiting = _waiting(request, item["title"])
            item |= {"badge": f"{waiting} waiting"} if waiting else {}
        groups.append({"title": title, "items": items})
    return [group for group in groups if group["items"]]


def _changelist(model: str) -> str:
    if model in _MORE:
        return _MORE[model][0]
    return f"admin:{model.replace('.', '_')}_changelist"


def _may_view(request: HttpRequest, model: str) -> bool:
    """As the model's own pages say, which may let in others than Django's permissions do."""
    if model in _MORE:
        return _MORE[model][1](request)
    pages = admin.site._registry[apps.get_model(model)]
    return pages.has_view_permission(request)


def _waiting(request: HttpRequest, page: str) -> int:
    """How many people, tools and alerts wait for a decision, and how many requests for theirs."""
    if page == "People":
        return User.objects.filter(status=User.Status.PENDING).count()
    if page == "Tools":
        return Tool.objects.waiting().count()
    if page == "Alerts":
        return Incident.objects.filter(state=Incident.State.OPEN).count()
    if page == "Access requests" and isinstance(request.user, User):
        return access_requests.decidable_by(request.user).open().count()
    return 0
