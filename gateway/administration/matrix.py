"""The access matrix over REST: the same for programs, the admin's page and spreadsheets."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from gateway import api_shapes as shapes
from gateway import matrix
from gateway.administration import base

PARAMETERS = [
    OpenApiParameter("of", enum=["roles", "people"], description="What the columns are."),
    OpenApiParameter("who", str, many=True, description="Names of roles, or e-mail addresses."),
    OpenApiParameter("server", str, description="Only this server's tools."),
    OpenApiParameter("search", str, description="Part of server/tool."),
    OpenApiParameter("differences", bool, description="Only rows in which something differs."),
    OpenApiParameter("version", int, description="A policy version; without, the one in force."),
    OpenApiParameter("against", int, description="A version to lay under it: what changes."),
]


class ColumnShape(serializers.Serializer):
    kind = serializers.CharField(help_text="role or person")
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class CellShape(serializers.Serializer):
    verdict = serializers.ChoiceField(choices=[one.value for one in matrix.Verdict])
    layer = serializers.CharField()
    rule = serializers.CharField()
    bypassed = serializers.CharField(
        allow_blank=True, help_text="Rules that hold for others and not here, by a bypass."
    )


class RowShape(serializers.Serializer):
    tool = serializers.CharField()
    cells = serializers.ListField(
        child=serializers.IntegerField(), help_text="For each column, a place in `cells`."
    )
    before = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="The same under `against`."
    )


class ServerShape(serializers.Serializer):
    server = serializers.CharField()
    counts = serializers.ListField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="For each column, how many tools have which verdict.",
    )
    tools = RowShape(many=True)


class MatrixShape(serializers.Serializer):
    policy_version = serializers.CharField()
    against = serializers.CharField(allow_null=True)
    columns = ColumnShape(many=True)
    cells = CellShape(many=True)
    servers = ServerShape(many=True)


class MatrixView(base.SeesOthers):
    """What the policy says of every tool for several roles or people."""

    @extend_schema(
        operation_id="admin_policy_matrix",
        parameters=PARAMETERS,
        responses={200: MatrixShape, 400: shapes.Error, 403: shapes.Error, 404: shapes.Error},
    )
    def get(self, request: Request) -> Response:
        return Response(_reckon(request).as_json())


class MatrixFileView(base.SeesOthers):
    """The same as a table for spreadsheets."""

    @extend_schema(
        operation_id="admin_policy_matrix_csv",
        parameters=PARAMETERS,
        responses={(200, "text/csv"): OpenApiTypes.STR, 400: shapes.Error, 403: shapes.Error},
    )
    def get(self, request: Request) -> HttpResponse:
        text = "".join(_reckon(request).as_csv())
        response = HttpResponse(text, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="access-matrix.csv"'
        return response


def _reckon(request: Request) -> matrix.Matrix:
    parameters: Any = request.query_params
    return matrix.reckon(matrix.Wanted.read(parameters, parameters.getlist("who")))
