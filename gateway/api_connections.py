"""REST: one's own accounts at servers. Connecting one takes a browser; a token is never shown."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey
from gateway import api_shapes as shapes
from gateway import own_accounts
from gateway.api import View, asker_of
from gateway.own_accounts import OwnAccount

STATES = ["none", "connected", "broken"]


class ConnectionShape(serializers.Serializer):
    server = serializers.CharField()
    display_name = serializers.CharField()
    state = serializers.ChoiceField(STATES, help_text="broken: it has to be connected again.")
    connected_at = serializers.DateTimeField(allow_null=True)
    scope = serializers.CharField(help_text="What was granted, as far as its server said.")
    connect_url = serializers.CharField(help_text="Where the person connects it, in a browser.")


def present(owned: OwnAccount) -> dict[str, Any]:
    """An account as `ConnectionShape` documents it."""
    account = owned.account
    return {
        "server": owned.server.name,
        "display_name": owned.server.display_name,
        "state": owned.state,
        "connected_at": account.connected_at if account else None,
        "scope": account.scope if account else "",
        "connect_url": owned.connect_url,
    }


class ConnectionsView(View):
    """The servers where one has an account of one's own, or may connect one."""

    required_scope = tuple(ApiKey.Scope)

    @extend_schema(operation_id="connections", responses={200: ConnectionShape(many=True)})
    def get(self, request: Request) -> Response:
        return Response([present(one) for one in own_accounts.overview(asker_of(request))])


class ConnectionView(View):
    """One's own account at one server. To a key this is open with the scope `admin` alone."""

    required_scope = ApiKey.Scope.ADMIN

    @extend_schema(operation_id="disconnect", responses={204: None, 404: shapes.Error})
    def delete(self, request: Request, server: str) -> Response:
        own_accounts.disconnect(asker_of(request), server)
        return Response(status=status.HTTP_204_NO_CONTENT)
