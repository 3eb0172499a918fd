"""What is kept in memory, over REST: counted, dropped, and everything read anew."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import keeping
from gateway.administration import base
from gateway.administration.servers import SyncedShape, present_synced
from registry import syncing
from registry.models import Server


class CountShape(serializers.Serializer):
    of = serializers.CharField()
    values = serializers.IntegerField()
    most = serializers.IntegerField()


class CacheShape(serializers.Serializer):
    process = CountShape(many=True, help_text="Of the process that answers; others have their own.")


class ClearedShape(serializers.Serializer):
    cleared = serializers.BooleanField()


class ReloadShape(ClearedShape):
    servers = SyncedShape(many=True)


class CacheView(base.AdminView):
    """What the process that answers keeps of the tables, counted.

    It is kept until the database says that it changed, so that clearing it is never needed.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(operation_id="admin_cache", responses={200: CacheShape, **base.REFUSALS})
    def get(self, request: Request) -> Response:
        base.filters(request)
        return Response({"process": [asdict(count) for count in keeping.counts()]})


class ClearView(base.AdminView):
    """Have every process read anew what it keeps, from its next look on."""

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_clear_cache",
        request=None,
        responses={200: ClearedShape, 403: base.REFUSALS[403]},
    )
    def post(self, request: Request) -> Response:
        keeping.clear(who=base.who(request))
        return Response({"cleared": True})


class ReloadView(base.AdminView):
    """Clear what is kept and read the tools of every server that takes part.

    Files are imported by `manage.py import_config`, which this does not do.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_reload",
        request=None,
        responses={200: ReloadShape, 403: base.REFUSALS[403]},
    )
    def post(self, request: Request) -> Response:
        who = base.who(request)
        keeping.clear(who=who)
        synced = syncing.sync_these(list(Server.objects.enabled()), who=who)
        return Response({"cleared": True, "servers": [present_synced(one) for one in synced]})
