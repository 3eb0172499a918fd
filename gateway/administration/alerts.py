"""Rules and destinations of alerts, over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.alerts import defining, delivering
from gateway.models import AlertRule, Destination
from gateway.models.alerts import Severity


class AlertRuleShape(serializers.ModelSerializer):
    min_cost = serializers.FloatField(help_text="Of spending: US dollars at least.")

    class Meta:
        model = AlertRule
        fields = ("id", *defining.RULE, "origin")


class AlertRuleChange(shapes.Strict):
    name = shapes.StrictText(max_length=128, required=False)
    kind = serializers.ChoiceField(AlertRule.Kind.choices, required=False)
    enabled = serializers.BooleanField(required=False)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    kinds = shapes.StrictJson(required=False, help_text="Kinds of entries; none: all.")
    filters = shapes.StrictJson(required=False, help_text="Filters of the record besides.")
    tools = shapes.StrictJson(required=False, help_text="Patterns: a tool, or server/tool.")
    hours = shapes.StrictText(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="Working hours outside of which it counts: mon-fri 07:00-19:00.",
    )
    time_zone = shapes.StrictText(max_length=64, required=False)
    unused_days = serializers.IntegerField(required=False, min_value=0, max_value=3660)
    each = serializers.ChoiceField(AlertRule.Each.choices, required=False)
    count = serializers.IntegerField(required=False, min_value=1, max_value=defining.MOST_COUNT)
    window_seconds = serializers.IntegerField(
        required=False, min_value=1, max_value=defining.MOST_SECONDS
    )
    factor = serializers.FloatField(required=False, min_value=1, max_value=1000)
    min_cost = serializers.DecimalField(10, 2, required=False, min_value=0)
    quiet_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=defining.MOST_SECONDS // 60
    )


class AlertRuleBody(AlertRuleChange):
    name = shapes.StrictText(max_length=128)


class DestinationShape(serializers.ModelSerializer):
    secret = serializers.CharField(
        required=False, help_text="What signs a webhook's messages; shown when it is made, once."
    )

    class Meta:
        model = Destination
        fields = ("id", "name", "kind", "enabled", "least", "url", "addresses", "secret")


class DestinationChange(shapes.Strict):
    name = shapes.StrictText(max_length=64, required=False)
    kind = serializers.ChoiceField(Destination.Kind.choices, required=False)
    enabled = serializers.BooleanField(required=False)
    least = serializers.ChoiceField(
        Severity.choices, required=False, help_text="The least severity that is told here."
    )
    url = shapes.StrictText(max_length=2000, required=False, allow_blank=True)
    addresses = shapes.StrictText(
        max_length=10_000, required=False, allow_blank=True, help_text="One a line."
    )


class DestinationBody(DestinationChange):
    name = shapes.StrictText(max_length=64)


class TriedShape(serializers.Serializer):
    sent = serializers.BooleanField()
    error = serializers.CharField(help_text="Why it was not; empty when it was.")


def of_rule(rule: AlertRule) -> dict[str, Any]:
    """A rule as `AlertRuleShape` documents it."""
    return dict(AlertRuleShape(rule).data)


def of_destination(destination: Destination) -> dict[str, Any]:
    """A destination as `DestinationShape` documents it, without its secret."""
    names = ("name", "kind", "enabled", "least", "url", "addresses")
    return {"id": destination.pk} | {name: getattr(destination, name) for name in names}


class AlertRulesView(base.AdminView):
    """What alerts look out for."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_alert_rules",
        parameters=[*base.PAGING, OpenApiParameter("kind", enum=AlertRule.Kind.values)],
        responses={200: base.page_of(AlertRuleShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        wanted = base.filters(request, "kind")
        if "kind" in wanted:
            base.one_of(wanted["kind"], AlertRule.Kind, "kind")
        return base.page(request, AlertRule.objects.filter(**wanted), of_rule)

    @extend_schema(
        operation_id="admin_create_alert_rule",
        request=AlertRuleBody,
        responses={201: AlertRuleShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        values = base.checked(AlertRuleBody, request)
        rule = defining.save_rule(AlertRule(), values, who=base.who(request))
        return Response(of_rule(rule), status=status.HTTP_201_CREATED)


class AlertRuleView(base.AdminView):
    """One rule of alerts."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_alert_rule", responses={200: AlertRuleShape, **base.REFUSALS_OF_ONE}
    )
    def get(self, request: Request, rule_id: int) -> Response:
        return Response(of_rule(base.find(AlertRule.objects.all(), pk=rule_id)))

    @extend_schema(
        operation_id="admin_change_alert_rule",
        request=AlertRuleChange,
        responses={200: AlertRuleShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, rule_id: int) -> Response:
        rule = base.find(AlertRule.objects.all(), pk=rule_id)
        values = base.checked(AlertRuleChange, request)
        return Response(of_rule(defining.save_rule(rule, values, who=base.who(request))))

    @extend_schema(
        operation_id="admin_delete_alert_rule",
        responses={200: AlertRuleShape, 403: shapes.Error, 404: shapes.Error},
    )
    def delete(self, request: Request, rule_id: int) -> Response:
        """Delete the rule; the answer says what it was. Its incidents stay."""
        rule = base.find(AlertRule.objects.all(), pk=rule_id)
        said = of_rule(rule)
        defining.delete(rule, who=base.who(request))
        return Response(said)


class DestinationsView(base.AdminView):
    """Whom alerts are told."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_destinations",
        parameters=base.PAGING,
        responses={200: base.page_of(DestinationShape), **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        base.filters(request)
        return base.page(request, Destination.objects.all(), of_destination)

    @extend_schema(
        operation_id="admin_create_destination",
        request=DestinationBody,
        responses={201: DestinationShape, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        values, who = base.checked(DestinationBody, request), base.who(request)
        made, secret = defining.save_destination(Destination(), values, who=who)
        return base.shown_once(of_destination(made) | ({"secret": secret} if secret else {}))


class DestinationView(base.AdminView):
    """One destination."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_destination",
        responses={200: DestinationShape, **base.REFUSALS_OF_ONE},
    )
    def get(self, request: Request, destination_id: int) -> Response:
        return Response(of_destination(base.find(Destination.objects.all(), pk=destination_id)))

    @extend_schema(
        operation_id="admin_change_destination",
        request=DestinationChange,
        responses={200: DestinationShape, **base.REFUSALS_OF_ONE},
    )
    def patch(self, request: Request, destination_id: int) -> Response:
        row = base.find(Destination.objects.all(), pk=destination_id)
        values = base.checked(DestinationChange, request)
        changed, _ = defining.save_destination(row, values, who=base.who(request))
        return Response(of_destination(changed))

    @extend_schema(
        operation_id="admin_delete_destination",
        responses={200: DestinationShape, 403: shapes.Error, 404: shapes.Error},
    )
    def delete(self, request: Request, destination_id: int) -> Response:
        """Delete the destination, with what was still to be sent there."""
        row = base.find(Destination.objects.all(), pk=destination_id)
        said = of_destination(row)
        defining.delete(row, who=base.who(request))
        return Response(said)


class TryView(base.AdminView):
    """Send a test message to a destination, now."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_try_destination",
        request=None,
        responses={200: TriedShape, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, destination_id: int) -> Response:
        row = base.find(Destination.objects.all(), pk=destination_id)
        tried = delivering.try_out(row)
        return Response({"sent": tried.sent_at is not None, "error": tried.error})


class SecretView(base.AdminView):
    """Another secret for a webhook; the old one signs nothing any more."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_renew_destination_secret",
        request=None,
        responses={201: DestinationShape, **base.REFUSALS_OF_ONE},
    )
    def post(self, request: Request, destination_id: int) -> Response:
        row = base.find(Destination.objects.filter(kind="webhook"), pk=destination_id)
        secret = defining.renew_secret(row, who=base.who(request))
        return base.shown_once(of_destination(row) | {"secret": secret})
