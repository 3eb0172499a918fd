"""MCP servers over REST: how each stands, and reading its tools now. No credential is shown."""

from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base, probing
from registry import deciding, registering, standing_in, syncing
from registry.discovery import Synced, SyncReport
from registry.models import ConnectedAccount, Server, Tool

_PLAIN = (
    *("name", "display_name", "description", "tags", "owner", "enabled", "transport", "trust"),
    *("health", "last_error", "checked_at", "synced_at"),
)
_ACCOUNT = ("state", "problem", "connected_at", "renewed_at")
_MORE = (
    *("authentication", "protocol_version", "server_info", "instructions", "timeout_seconds"),
    *("tool_prefix", "may_ask"),
)
_LIMITS = ("retry_attempts", "requests_per_minute", "burst", "concurrent_calls")
_CHECKS_SHOWN = 20


class RegisteredServerShape(serializers.Serializer):
    name = serializers.CharField()
    display_name = serializers.CharField()
    description = serializers.CharField()
    tags = serializers.JSONField()
    owner = serializers.CharField()
    enabled = serializers.BooleanField()
    on = serializers.BooleanField(help_text="False: switched off.")
    transport = serializers.ChoiceField(Server.Transport.choices)
    trust = serializers.ChoiceField(Server.Trust.choices)
    health = serializers.ChoiceField(Server.Health.choices)
    last_error = serializers.CharField()
    checked_at = serializers.DateTimeField(allow_null=True)
    synced_at = serializers.DateTimeField(allow_null=True)
    offered = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    gone = serializers.IntegerField()


class CheckShape(serializers.Serializer):
    at = serializers.DateTimeField()
    ok = serializers.BooleanField()
    milliseconds = serializers.IntegerField()
    error = serializers.CharField()


class AccountShape(serializers.Serializer):
    person = serializers.CharField(help_text="Empty: the gateway itself.")
    state = serializers.ChoiceField(ConnectedAccount.State.choices)
    problem = serializers.CharField()
    connected_at = serializers.DateTimeField()
    renewed_at = serializers.DateTimeField(allow_null=True)


class OneRegisteredServerShape(RegisteredServerShape):
    authentication = serializers.ChoiceField(Server.Authentication.choices)
    accounts = AccountShape(many=True)
    protocol_version = serializers.CharField()
    server_info = serializers.JSONField()
    instructions = serializers.CharField(help_text="The server's own words: not to be trusted.")
    timeout_seconds = serializers.FloatField()
    tool_prefix = serializers.BooleanField(help_text="MCP clients see its tools as server__tool.")
    may_ask = serializers.JSONField(help_text="Of the MCP client behind a call.")
    retry_attempts = serializers.IntegerField()
    requests_per_minute = serializers.IntegerField(help_text="0 means no limit.")
    burst = serializers.IntegerField()
    concurrent_calls = serializers.IntegerField(help_text="At a time, of each process.")
    fallback = serializers.CharField(
        allow_null=True, help_text="The server that stands in when this one is not reached."
    )
    failures = serializers.IntegerField(help_text="In a row, as the breaker counts them.")
    closed_until = serializers.DateTimeField(allow_null=True, help_text="The breaker's.")
    checks = CheckShape(many=True)


class ServerChange(shapes.Strict):
    trust = serializers.ChoiceField(Server.Trust.choices, required=False)
    fallback = serializers.CharField(
        required=False, allow_blank=True, help_text="A server's name; empty: none stands in."
    )

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if not wanted:
            raise serializers.ValidationError({"trust": "Say the trust, the fallback, or both."})
        return wanted


class SetAsideShape(serializers.Serializer):
    tool = serializers.CharField()
    reason = serializers.CharField()


class ReportShape(serializers.Serializer):
    offered = serializers.IntegerField()
    added = serializers.ListField(child=serializers.CharField())
    changed = serializers.ListField(child=serializers.CharField())
    gone = serializers.ListField(child=serializers.CharField())
    set_aside = SetAsideShape(many=True)


class SyncedShape(serializers.Serializer):
    server = serializers.CharField()
    report = ReportShape(allow_null=True)
    error = shapes.ErrorDetail(allow_null=True)


def rows() -> QuerySet[Server]:
    """The servers with the number of their tools in each state."""
    states = (Tool.State.OFFERED, Tool.State.QUARANTINED, Tool.State.GONE)
    counts = {state.value: Count("tools", Q(tools__state=state)) for state in states}
    return Server.objects.annotate(**counts).order_by("name")


def present(server: Any) -> dict[str, Any]:
    """A server as `RegisteredServerShape` documents it."""
    counted = {state: getattr(server, state) for state in Tool.State.values}
    shown = {name: getattr(server, name) for name in _PLAIN}
    return {**shown, **counted, "on": not server.is_off}


def present_synced(synced: Synced) -> dict[str, Any]:
    """How one server fared, as `SyncedShape` documents it."""
    error = synced.error
    return {
        "server": synced.server.name,
        "report": present_report(synced.report) if synced.report else None,
        "error": {"code": error.code, "message": error.message} if error else None,
    }


def present_report(report: SyncReport) -> dict[str, Any]:
    """What a sync found, as `ReportShape` documents it."""
    lists = {name: list(getattr(report, name)) for name in ("added", "changed", "gone")}
    aside = [{"tool": tool, "reason": reason} for tool, reason in report.set_aside]
    return {"offered": report.offered, **lists, "set_aside": aside}


def _whole(server: Any) -> dict[str, Any]:
    breaker = getattr(server, "breaker", None)
    checks = server.checks.all()[:_CHECKS_SHOWN]
    return {
        **present(server),
        **{name: getattr(server, name) for name in (*_MORE, *_LIMITS)},
        "fallback": server.fallback.name if server.fallback else None,
        "failures": breaker.failures if breaker else 0,
        "closed_until": breaker.closed_until if breaker else None,
        "accounts": [
            {"person": account.name} | {name: getattr(account, name) for name in _ACCOUNT}
            for account in server.accounts.all()
        ],
        "checks": [
            {name: getattr(check, name) for name in ("at", "ok", "milliseconds", "error")}
            for check in checks
        ],
    }


class ServersView(base.AdminView):
    """The MCP servers, with their health and the number of their tools."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_servers",
        parameters=[*base.PAGING, OpenApiParameter("health", enum=Server.Health.values)],
        responses={200: base.page_of(RegisteredServerShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "health")
        if "health" in wanted:
            base.one_of(wanted["health"], Server.Health, "health")
        return base.page(request, rows().filter(**wanted), present)

    @extend_schema(
        operation_id="admin_register_server",
        request=probing.ServerBody,
        responses={201: OneRegisteredServerShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Register one. Its address is checked now and at each connection."""
        spec = probing.spec_of(base.checked(probing.ServerBody, request))
        server = registering.register(spec, who=base.who(request))
        whole = _whole(base.find(rows(), pk=server.pk))
        return Response(whole, status=status.HTTP_201_CREATED)


class ServerView(base.AdminView):
    """One MCP server, with its latest checks."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_server",
        responses={200: OneRegisteredServerShape, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request, name: str) -> Response:
        return Response(_whole(base.find(rows(), name=name)))

    @extend_schema(
        operation_id="admin_change_server",
        request=ServerChange,
        responses={200: OneRegisteredServerShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change what of its tools is trusted (from the next sync on), or what stands in for it."""
        server = base.find(Server.objects.all(), name=name)
        wanted = base.checked(ServerChange, request)
        with transaction.atomic():
            if "fallback" in wanted:
                standing_in.set_fallback(server, wanted["fallback"], base.who(request))
            if "trust" in wanted:
                deciding.set_trust(server, wanted["trust"], base.who(request))
        return Response(_whole(base.find(rows(), name=name)))


class SyncView(base.AdminView):
    """Read a server's tools now. What is new, changed or unusable is set aside as its trust says.

    A server that does not answer is a 502, one that is switched off or disabled a 409 and is not
    asked; then nothing has changed.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_sync_server",
        request=None,
        responses={
            200: ReportShape,
            403: shapes.Error,
            404: shapes.Error,
            409: shapes.Error,
            502: shapes.Error,
            503: shapes.Error,
        },
    )
    def post(self, request: Request, name: str) -> Response:
        server = base.find(Server.objects.all(), name=name)
        return Response(present_report(syncing.sync_now(server, who=base.who(request))))
