"""The pages of servers."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from audit.recorded import Deed, RecordedAdmin, badge, who_at
from audit.storable import storable
from audit.switched import SwitchedAdmin
from registry import discovery, health, offerings, removing, showing, syncing
from registry.admin import decisions, probing
from registry.admin.forms import JSON_FIELDS, ServerForm
from registry.errors import RegistryError
from registry.models import ConnectedAccount, HealthCheck, Server, Tool

HEALTH = {"up": "success", "down": "danger", "unknown": "info"}


@admin.register(Server)
class ServerAdmin(SwitchedAdmin, RecordedAdmin):
    """MCP servers. A command (stdio) comes from the deployment and is only shown here."""

    form = ServerForm
    recorded_values: ClassVar = [
        *("name", "owner", "transport", "enabled", "trust", "authentication", "fallback"),
    ]
    list_display: ClassVar = [
        "name",
        "shown_health",
        "offered",
        "waiting",
        "transport",
        "trust",
        "checked_at",
    ]
    list_filter: ClassVar = [
        ("health", ChoicesDropdownFilter),
        ("transport", ChoicesDropdownFilter),
        "enabled",
    ]
    list_fullwidth = True
    search_fields: ClassVar = ["name", "display_name", "description"]
    actions: ClassVar = ["sync_tools", "check_now", "enable", "disable"]
    actions_list: ClassVar = ["probe"]
    actions_detail: ClassVar = [
        "its_tools",
        "sync_one",
        "check_one",
        "decide",
        *SwitchedAdmin.SWITCHES,
    ]
    delete_confirmation_template = "admin/omni2/delete_server.html"
    delete_selected_confirmation_template = "admin/omni2/delete_server.html"
    what_stops: ClassVar = "From the next call on, nobody reaches it, whatever an import says."
    fieldsets: ClassVar = [
        (
            None,
            {
                "fields": [
                    "name",
                    "display_name",
                    "description",
                    "tags",
                    "owner",
                    "enabled",
                    "trust",
                    ("tool_prefix", "may_ask"),
                ]
            },
        ),
        ("Address", {"fields": ["transport", "url", "document_url", "document"]}),
        (
            "Credential",
            {
                "fields": [
                    *("authentication", "credential", "username", "header_name"),
                    *("client_id", "issuer", "scope", "secret"),
                ]
            },
        ),
        (
            "Patience and limits",
            {
                "classes": ["collapse"],
                "fields": [
                    ("timeout_seconds", "connection_max_age_seconds"),
                    ("retry_attempts", "retry_delay_seconds"),
                    ("requests_per_minute", "burst"),
                    ("concurrent_calls", "fallback"),
                    "argument_defaults",
                ],
            },
        ),
        (
            "As it was last seen",
            {
                "fields": [
                    "shown_health",
                    "shown_error",
                    ("checked_at", "synced_at"),
                    ("protocol_version", "server_info"),
                    "shown_instructions",
                    "withheld",
                ]
            },
        ),
    ]
    readonly_fields: ClassVar = [
        *("shown_health", "credential", "shown_error", "shown_stderr", "checked_at", "synced_at"),
        *("protocol_version", "server_info", "shown_instructions", "withheld"),
    ]

    # --- What may be done ------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        local = (Server.Transport.STDIO, Server.Transport.INTERNAL)
        is_local = isinstance(obj, Server) and obj.transport in local
        return not is_local and super().has_change_permission(request, obj)

    def may_do(self, request: HttpRequest, obj: Any, deed: str) -> bool:
        if deed == "tools":
            return request.user.has_perm("registry.view_tool")
        if deed == "decide":
            may_decide = request.user.has_perm("registry.change_tool")
            return may_decide and obj.tools.waiting().exists()
        if deed in ("sync", "check"):
            return super().has_change_permission(request)
        return super().may_do(request, obj, deed)

    def may_switch(self, request: HttpRequest, obj: Any) -> bool:
        return super().has_change_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The policy and the record know a server by its name.
        return [*self.readonly_fields, "name"] if obj else list(self.readonly_fields)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets[:-1]
        if obj.transport == Server.Transport.STDIO:
            shown = ["transport", "argv", "cwd", "credential", "shown_stderr"]
            command = ("Command", {"fields": shown})
            return [fieldsets[0], command, *fieldsets[3:]]
        if obj.transport == Server.Transport.INTERNAL:
            return [fieldsets[0], ("Address", {"fields": ["transport"]}), *fieldsets[3:]]
        return fieldsets

    def facts_of(self, obj: Any) -> dict[str, str]:
        return {"server": obj.name}

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        server = super().get_object(request, object_id, from_field)
        if server is not None and not self.has_change_permission(request, server):
            # Shown and never saved: no page can hold half a character.
            for name in (*JSON_FIELDS, "argv"):
                setattr(server, name, storable(getattr(server, name)))
        return server

    # --- Deleting --------------------------------------------------------------------------------
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The servers by name, and how much goes with them.

        Nobody deletes a tool or a check by itself, so the right to delete the server counts for
        what is only about it. A week of checks is a number, not ten thousand lines.
        """
        servers = list(objs)
        allowed = all(self.has_delete_permission(request, one) for one in servers)
        counts = {self.opts.verbose_name_plural: len(servers)} | {
            model._meta.verbose_name_plural: model._default_manager.filter(
                server__in=servers
            ).count()
            for model in (Tool, HealthCheck, ConnectedAccount)
        }
        lacking = set() if allowed else {self.opts.verbose_name}
        return [str(one) for one in servers], counts, lacking, []

    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        removing.remove(obj, who=who_at(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        with transaction.atomic():
            for server in queryset:
                removing.remove(server, who=who_at(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        counts = {
            "offered_tools": Count("tools", Q(tools__state=Tool.State.OFFERED)),
            "waiting_tools": Count("tools", Q(tools__state=Tool.State.QUARANTINED)),
        }
        return super().get_queryset(request).annotate(**counts)

    # --- What is shown ---------------------------------------------------------------------------
    @display(description="health", ordering="health")
    def shown_health(self, server: Server) -> SafeString:
        if server.is_off:
            return badge("switched off", "danger")
        if not server.enabled:
            return badge("disabled")
        return badge(server.get_health_display(), HEALTH[server.health])

    @display(description="tools", ordering="offered_tools")
    def offered(self, server: Any) -> SafeString | str:
        return self._tools(server, "offered", server.offered_tools)

    @display(description="set aside", ordering="waiting_tools")
    def waiting(self, server: Any) -> SafeString | str:
        return self._tools(server, "quarantined", server.waiting_tools)

    def _tools(self, server: Server, state: str, number: int) -> SafeString | str:
        if not number:
            return "–"
        address = _address_of_tools(server)
        return format_html(
            "<a class='text-link' href='{}&state__exact={}'>{}</a>", address, state, number
        )

    @display(description="stored credential")
    def credential(self, server: Server) -> str:
        return "There is one; it is not shown." if server.sealed else "None."

    @display(description="last error")
    def shown_error(self, server: Server) -> SafeString:
        return showing.visible(server.last_error)

    @display(description="stderr, in this process")
    def shown_stderr(self, server: Server) -> SafeString:
        return showing.visible(health.last_said(server))

    @display(description="instructions (from the server)")
    def shown_instructions(self, server: Server) -> SafeString:
        return showing.visible(server.instructions)

    @display(description="Not shown to clients")
    def withheld(self, server: Server) -> SafeString:
        """Prompts and resources that look suspicious (`manage.py drift withheld`)."""
        return showing.withheld(offerings.set_aside(server.name))

    # --- What is done ----------------------------------------------------------------------------
    @action(
        description="Probe a server",
        url_path="probe",
        icon="travel_explore",
        variant=ActionVariant.PRIMARY,
        permissions=["add"],
    )
    def probe(self, request: HttpRequest) -> HttpResponse:
        return probing.page(self, request)

    @action(description="Sync tools now", permissions=["change"])
    def sync_tools(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        for synced in syncing.sync_these(list(queryset), who=who_at(request)):
            if synced.report is None:
                self.message_user(request, _failure(synced.error), messages.ERROR)
            else:
                self.message_user(request, _success(synced.server, synced.report))

    @action(description="Check now", permissions=["change"])
    def check_now(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        for check in health.check_all(list(queryset)):
            level = messages.SUCCESS if check.ok else messages.ERROR
            self.message_user(request, _checked(check), level)

    @action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        self._switch(request, queryset, enabled=True)

    @action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Server], *, enabled: bool) -> None:
        word = "enabled" if enabled else "disabled"
        for server in queryset.exclude(enabled=enabled):
            self.switch(request, server, enabled=enabled)
            self.message_user(request, f"{server.name} is {word}.")

    def switch(self, request: HttpRequest, server: Server, *, enabled: bool) -> None:
        """Let the server take part or not, on the record."""
        server.enabled = enabled
        server.save(update_fields=["enabled"])
        self.note(request, server, "enabled" if enabled else "disabled")

    @action(description="Its tools", url_path="tools", icon="build")
    def its_tools(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(_address_of_tools(self.find(request, object_id, "tools")))

    @action(description="Sync tools now", url_path="sync", icon="sync")
    def sync_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        server = self.find(request, object_id, "sync")

        def do(_: Any) -> str:
            try:
                return _success(server, syncing.sync_now(server, who=who_at(request)))
            except RegistryError as error:
                raise ValidationError(_failure(error)) from error

        text = "Reads the server's tools. What is new, changed or unusable is set aside."
        deed = Deed(f"Sync the tools of {server.name}?", text, "Sync now", waits=True)
        return self.carry_out(request, server, deed, do=do)

    @action(description="Check now", url_path="check", icon="monitor_heart")
    def check_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        server = self.find(request, object_id, "check")

        def do(_: Any) -> str:
            check = health.check(server)
            if not check.ok:
                raise ValidationError(_checked(check))
            return _checked(check)

        text = "Asks the server whether it is there."
        deed = Deed(f"Check {server.name}?", text, "Check now", waits=True)
        return self.carry_out(request, server, deed, do=do)

    @action(description="Decide on what waits", url_path="decide", icon="rule")
    def decide(self, request: HttpRequest, object_id: str) -> HttpResponse:
        server = self.find(request, object_id, "decide")
        waiting = server.tools.waiting().select_related("server")
        return decisions.page(request, list(waiting), self)


def _address_of_tools(server: Server) -> str:
    return f"{reverse('admin:registry_tool_changelist')}?server__id__exact={server.pk}"


def _success(server: Server, report: discovery.SyncReport) -> str:
    parts = {
        "offered": report.offered,
        "new": len(report.added),
        "changed": len(report.changed),
        "gone": len(report.gone),
        "set aside": len(report.set_aside),
    }
    return f"{server.name}: " + ", ".join(f"{number} {word}" for word, number in parts.items())


def _failure(error: RegistryError | None) -> str:
    return f"{error.message} {error.hint}".strip() if error else ""


def _checked(check: HealthCheck) -> str:
    said = f"answered in {check.milliseconds} ms" if check.ok else check.error
    return f"{check.server.name}: {said}"
