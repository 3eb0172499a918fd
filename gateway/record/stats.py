"""The figures of the record, over REST: added up, over time, in order, and of this moment."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from audit import following, rollup, stats
from audit.models import Rollup
from audit.rollup import Place
from audit.stats import Figures, Period
from gateway.administration import base
from gateway.record import asked, live

_PERIOD = [
    OpenApiParameter("from", description="ISO 8601 (UTC), or ago as 24h, 7d: by itself 7d."),
    OpenApiParameter("to", description="Likewise; by itself, now."),
]
_WITHIN = OpenApiParameter("within", description="A tool's server, a rule's layer.")


class LatencyShape(serializers.Serializer):
    mean = serializers.FloatField(allow_null=True, help_text="Milliseconds, exact.")
    p50 = serializers.FloatField(allow_null=True, help_text="Within 4.9 %, as the others.")
    p90 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class FiguresShape(serializers.ModelSerializer):
    """All that is counted; of servers and tools, tokens and cost are their calls' share."""

    cost_usd = serializers.DecimalField(max_digits=18, decimal_places=8)
    call_latency = LatencyShape()
    question_latency = LatencyShape()

    class Meta:
        model = Rollup
        fields = (
            *(one for one in stats.SUMMED if one != "cost" and not one.endswith("_milliseconds")),
            "cost_usd",
            *rollup.LATENCIES,
        )


class PeriodShape(serializers.Serializer):
    start = serializers.DateTimeField(help_text="Of its first hour or day (UTC).")
    end = serializers.DateTimeField(help_text="Of its last one.")
    granularity = serializers.ChoiceField(stats.SHOWN)


class PlaceShape(serializers.Serializer):
    by = serializers.ChoiceField(Rollup.Dimension.choices)
    name = serializers.CharField()
    within = serializers.CharField(help_text="A tool's server, a rule's layer.")


class CountedShape(serializers.Serializer):
    until = serializers.DateTimeField(
        allow_null=True, help_text="What was sealed up to here is in the figures."
    )
    blocks_behind = serializers.IntegerField(help_text="Sealed blocks not yet counted.")


class PointShape(serializers.Serializer):
    at = serializers.DateTimeField()
    figures = FiguresShape()


class RankedShape(serializers.Serializer):
    place = PlaceShape()
    figures = FiguresShape()


class StatsShape(serializers.Serializer):
    period = PeriodShape()
    counted = CountedShape()
    place = PlaceShape()
    total = FiguresShape()
    series = PointShape(many=True)


class TopShape(serializers.Serializer):
    period = PeriodShape()
    counted = CountedShape()
    order = serializers.CharField()
    items = RankedShape(many=True)


class UnderWayShape(serializers.Serializer):
    id = serializers.UUIDField()
    person = serializers.CharField()
    door = serializers.CharField()
    state = serializers.CharField()
    since = serializers.DateTimeField()


class InTroubleShape(serializers.Serializer):
    server = serializers.CharField()
    health = serializers.CharField()
    failures = serializers.IntegerField(help_text="In a row, as the breaker counts them.")
    closed_until = serializers.DateTimeField(allow_null=True, help_text="The breaker's.")


class LiveShape(serializers.Serializer):
    at = serializers.DateTimeField()
    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Questions put aside for an approval.")
    oldest = UnderWayShape(many=True)
    approvals = serializers.IntegerField(help_text="Calls that somebody may decide on.")
    servers = serializers.IntegerField(help_text="That take part.")
    trouble = InTroubleShape(many=True)


class StatsView(base.AdminView):
    """What a period adds up to, as a whole and hour by hour or day by day."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_stats",
        parameters=[
            *_PERIOD,
            OpenApiParameter("granularity", enum=stats.SHOWN),
            OpenApiParameter("by", enum=Rollup.Dimension.values),
            OpenApiParameter("name", description="Which role, person, server…"),
            _WITHIN,
        ],
        responses={200: StatsShape, **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        when = asked.period(request.query_params, asked.OF_A_PLACE)
        where = asked.place(request.query_params)
        series = stats.series(when, where)
        return Response(
            {
                **_head(when),
                "place": _place(where),
                "total": figures(stats.total(when, where)),
                "series": [{"at": at.isoformat(), "figures": figures(one)} for at, one in series],
            }
        )


class TopView(base.AdminView):
    """Who or what has most of something in a period."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(
        operation_id="audit_stats_top",
        parameters=[
            *_PERIOD,
            OpenApiParameter("by", enum=Rollup.Dimension.values[1:]),
            OpenApiParameter("order", enum=list(stats.ORDERS)),
            OpenApiParameter("limit", int, description=f"At most {asked.MOST_RANKED}."),
            _WITHIN,
        ],
        responses={200: TopShape, **base.REFUSALS},
    )
    def get(self, request: Request) -> Response:
        when = asked.period(request.query_params, asked.OF_A_RANKING)
        wanted = asked.ranking(request.query_params)
        ranked = stats.ranking(
            when,
            wanted.dimension,
            order=wanted.order,
            limit=wanted.limit,
            within=wanted.within,
        )
        items = [{"place": _place(one), "figures": figures(found)} for one, found in ranked]
        return Response({**_head(when), "order": wanted.order, "items": items})


class LiveView(base.AdminView):
    """What is going on at this moment."""

    required_right = Right.VIEW_AUDIT_LOGS

    @extend_schema(operation_id="audit_stats_live", responses={200: LiveShape, **base.REFUSALS})
    def get(self, request: Request) -> Response:
        base.filters(request)
        return Response(asdict(live.look()))


def figures(found: Figures) -> dict[str, Any]:
    """Figures as JSON."""
    values = asdict(found)
    return values | {"cost_usd": f"{values.pop('cost'):.8f}"}


def _head(when: Period) -> dict[str, Any]:
    until = following.read_until(rollup.FOLLOWER)
    return {
        "period": {
            "start": when.start.isoformat(),
            "end": when.end.isoformat(),
            "granularity": when.granularity,
        },
        "counted": {
            "until": until.isoformat() if until else None,
            "blocks_behind": following.behind(rollup.FOLLOWER),
        },
    }


def _place(where: Place) -> dict[str, str]:
    return {"by": where.dimension, "name": where.name, "within": where.within}
