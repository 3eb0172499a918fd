"""Prompts and resources that look suspicious, over REST: seen, and offered all the same."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from registry import offerings, withholding
from registry.models import Server
from registry.offerings import Offering


class WithheldShape(serializers.Serializer):
    kind = serializers.ChoiceField(list(offerings.KEYS))
    name = serializers.CharField(help_text="A prompt's name, a resource's URI or its template.")
    fingerprint = serializers.CharField(help_text="Of this form; a decision names it.")
    warnings = serializers.ListField(child=serializers.CharField())
    waiting = serializers.JSONField(help_text="The server's own words: not to be trusted.")


class FormsBody(shapes.Strict):
    fingerprints = serializers.ListField(
        child=shapes.StrictText(max_length=64),
        allow_empty=False,
        help_text="Of the forms that were looked at.",
    )


def present(one: Offering) -> dict[str, Any]:
    """What is set aside as `WithheldShape` documents it."""
    return {
        "kind": one.kind,
        "name": one.key,
        "fingerprint": one.fingerprint,
        "warnings": list(one.warnings),
        "waiting": dict(one.definition),
    }


class WithheldView(base.AdminView):
    """What a server lists beside its tools and no client is shown, because it looks suspicious."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_withheld",
        responses={200: WithheldShape(many=True), **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request, name: str) -> Response:
        server = base.find(Server.objects.all(), name=name)
        return Response([present(one) for one in offerings.set_aside(server.name)])


class OfferView(base.AdminView):
    """Offer it from now on in the forms that were seen: all that are named, or none."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_offer_withheld",
        request=FormsBody,
        responses={200: WithheldShape(many=True), 409: shapes.Error, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, name: str) -> Response:
        server = base.find(Server.objects.all(), name=name)
        forms = base.checked(FormsBody, request)["fingerprints"]
        withholding.accept(server, forms, base.who(request))
        return Response([present(one) for one in offerings.set_aside(server.name)])
