"""The kill switches of roles, servers and tools; a person's stands with the people."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway import switching
from gateway.administration import base
from gateway.switching import Kind


class Off(serializers.Serializer):
    kind = serializers.ChoiceField(Kind.choices)
    name = serializers.CharField()


class Wanted(shapes.Strict):
    kind = serializers.ChoiceField(Kind.choices)
    name = shapes.StrictText(max_length=400)
    on = serializers.BooleanField()
    reason = shapes.StrictText(max_length=500, default="", allow_blank=True)


class Switched(Off):
    on = serializers.BooleanField()
    changed = serializers.BooleanField(help_text="False when it was so already.")


class SwitchesView(base.AdminView):
    """What is switched off, and switching: in force at the next call in every process."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_switches", responses={200: Off(many=True)})
    def get(self, request: Request) -> Response:
        base.filters(request)
        return Response([{"kind": kind.value, "name": name} for kind, name in switching.all_off()])

    @extend_schema(
        operation_id="admin_switch",
        request=Wanted,
        responses={200: Switched, 400: shapes.Error, 403: shapes.Error, 404: shapes.Error},
    )
    def post(self, request: Request) -> Response:
        wanted = base.checked(Wanted, request)
        changed = switching.switch(
            Kind(wanted["kind"]),
            wanted["name"],
            on=wanted["on"],
            by=base.administrator(request),
            who=base.who(request),
            reason=wanted["reason"],
        )
        said = {name: wanted[name] for name in ("kind", "name", "on")}
        return Response(said | {"changed": changed})
