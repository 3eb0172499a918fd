"""Incidents over REST: what the rules have found, who has it in hand, that it is over."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.alerts import incidents, message
from gateway.errors import AlreadyDecided
from gateway.models import Incident
from gateway.models.alerts import Severity


class IncidentShape(serializers.Serializer):
    id = serializers.IntegerField()
    rule = serializers.CharField(help_text="The rule's name, as it was when it found this.")
    severity = serializers.ChoiceField(Severity.choices)
    cause = serializers.CharField(help_text="Whose or what it is; empty: of all together.")
    state = serializers.ChoiceField(Incident.State.choices)
    count = serializers.IntegerField(help_text="Entries that belong to it.")
    opened_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(
        allow_null=True, help_text="Who acknowledged or resolved it; null: nobody."
    )
    first_entry = serializers.IntegerField(allow_null=True)
    last_entry = serializers.IntegerField(allow_null=True)
    entries = serializers.CharField(help_text="The query of /api/audit/entries that finds them.")
    detail = serializers.DictField()


def present(incident: Incident) -> dict[str, Any]:
    """An incident as `IncidentShape` documents it."""
    as_they_are = ("severity", "cause", "state", "count", "opened_at", "last_at", "resolved_at")
    return {
        "id": incident.pk,
        "rule": incident.name,
        **{name: getattr(incident, name) for name in as_they_are},
        "decided_by": incident.decided_by.email if incident.decided_by else None,
        "first_entry": incident.first_entry,
        "last_entry": incident.last_entry,
        "entries": message.query_of(incident),
        "detail": incident.detail,
    }


def _rows() -> Any:
    return Incident.objects.select_related("decided_by")


class AlertsView(base.AdminView):
    """Incidents, the latest first."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_alerts",
        parameters=[
            *base.PAGING,
            OpenApiParameter("state", enum=Incident.State.values),
            OpenApiParameter("severity", enum=Severity.values),
            OpenApiParameter("rule", description="The rule's name."),
        ],
        responses={200: base.page_of(IncidentShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "state", "severity", "rule")
        for name, choices in (("state", Incident.State), ("severity", Severity)):
            if name in wanted:
                base.one_of(wanted[name], choices, name)
        if "rule" in wanted:
            wanted["name"] = wanted.pop("rule")
        return base.page(request, _rows().filter(**wanted), present)


class AlertView(base.AdminView):
    """One incident."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_alert", responses={200: IncidentShape, **base.REFUSALS_OF_ONE}
    )
    def get(self, request: Request, incident_id: int) -> Response:
        return Response(present(base.find(_rows(), pk=incident_id)))


class DecideView(base.AdminView):
    """What somebody says of an incident."""

    required_right = Right.VIEW_AUDIT_LOGS

    def decide(self, request: Request, incident_id: int, verb: Callable[..., bool]) -> Response:
        """Do it, or AlreadyDecided where the incident does not stand as that needs it."""
        incident = base.find(_rows(), pk=incident_id)
        if not verb(incident, by=base.administrator(request), who=base.who(request)):
            incident.refresh_from_db()
            raise AlreadyDecided(f"This incident is {incident.state}.")
        return Response(present(incident))


_RESPONSES = {200: IncidentShape, 409: shapes.Error, **base.REFUSALS_OF_ONE}


class AcknowledgeView(DecideView):
    """Somebody has it in hand: it is not told again while it lasts."""

    @extend_schema(operation_id="acknowledge_alert", request=None, responses=_RESPONSES)
    def post(self, request: Request, incident_id: int) -> Response:
        return self.decide(request, incident_id, incidents.acknowledge)


class ResolveView(DecideView):
    """Somebody says that it is over; what comes later is another incident."""

    @extend_schema(operation_id="resolve_alert", request=None, responses=_RESPONSES)
    def post(self, request: Request, incident_id: int) -> Response:
        return self.decide(request, incident_id, incidents.resolve)
