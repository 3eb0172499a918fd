"""Is it alive, is it ready, how is it: for probes, for load balancers, for people."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import access
from accounts.errors import AccountsError
from accounts.policy import PolicyError
from audit import seal
from gateway.alerts import delivering
from gateway.errors import body
from gateway.outlets import resting
from registry.models import Server, Tool

# A message of an alert that waits for longer is a fault of its own.
LATE_SECONDS = 600
# The record is sealed each second.
UNSEALED_SECONDS = 60


class Status(serializers.Serializer):
    status = serializers.CharField()


class ServerHealth(serializers.Serializer):
    name = serializers.CharField()
    health = serializers.CharField()
    tools = serializers.IntegerField()
    checked_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()


class OutletHealth(serializers.Serializer):
    name = serializers.CharField()
    behind_blocks = serializers.IntegerField(help_text="Sealed and not sent.")
    behind_seconds = serializers.IntegerField(help_text="How long the oldest of them waits.")
    entries = serializers.IntegerField(help_text="Sent so far.")
    sent_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="Why it was not sent the last time; empty: it was.")


class AlertsHealth(serializers.Serializer):
    waiting = serializers.IntegerField(help_text="Messages that wait to be sent.")
    oldest_seconds = serializers.IntegerField(help_text="How long the oldest of them waits.")
    given_up = serializers.IntegerField(help_text="Messages given up within the last day.")


class RecordHealth(serializers.Serializer):
    unsealed = serializers.IntegerField(help_text="Entries in no block yet.")
    oldest_seconds = serializers.IntegerField(help_text="How long the first of them is not.")


class Health(Status):
    version = serializers.CharField()
    database = serializers.CharField()
    servers = ServerHealth(many=True)
    tools = serializers.IntegerField()
    outlets = OutletHealth(many=True, help_text="Where the record goes by itself.")
    alerts = AlertsHealth()
    record = RecordHealth()


class Probe(APIView):
    """For probes, which have no credential; says a word and nothing more."""

    authentication_classes: list[type] = []
    permission_classes = [AllowAny]


class LiveView(Probe):
    """The process answers."""

    @extend_schema(operation_id="live", responses={200: Status})
    def get(self, request: Request) -> Response:
        return Response({"status": "live"})


class ReadyView(Probe):
    """The database answers, its tables are up to date and the policy can be read."""

    @extend_schema(operation_id="ready", responses={200: Status, 503: Status})
    def get(self, request: Request) -> Response:
        ready = is_ready()
        return Response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)


def is_ready() -> bool:
    try:
        executor = MigrationExecutor(connection)
        access.current()
    except (Error, AccountsError, PolicyError):
        return False
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


class HealthView(APIView):
    """How everything is: 200 when healthy or degraded, 503 when the database does not answer."""

    @extend_schema(operation_id="health", responses={200: Health})
    def get(self, request: Request) -> Response:
        try:
            return Response(_health())
        except Error:
            return Response(body("unhealthy", "The database does not answer."), status=503)


def _health() -> dict[str, Any]:
    offered = Count("tools", filter=Q(tools__state=Tool.State.OFFERED))
    servers = [
        {
            "name": server.name,
            "health": server.health,
            "tools": server.offered,
            "checked_at": server.checked_at,
            "error": server.last_error,
        }
        for server in Server.objects.enabled().annotate(offered=offered)
    ]
    outlets = [asdict(one) for one in resting.configured()]
    down = any(server["health"] == Server.Health.DOWN for server in servers)
    alerts = delivering.undelivered()
    late = alerts.oldest_seconds > LATE_SECONDS or alerts.given_up > 0
    record = seal.waiting()
    late = late or record.oldest_seconds > UNSEALED_SECONDS
    down = down or late or any(one["error"] for one in outlets)
    return {
        "status": "degraded" if down else "healthy",
        "version": settings.VERSION,
        "database": "up",
        "servers": servers,
        "tools": sum(server["tools"] for server in servers),
        "outlets": outlets,
        "alerts": asdict(alerts),
        "record": asdict(record),
    }
