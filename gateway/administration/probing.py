"""Looking at a server over REST before it is registered, and registering it."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authority import Right
from gateway import api_shapes as shapes
from gateway.administration import base
from gateway.errors import BadRequest
from registry import patience
from registry.endpoints import check_command
from registry.errors import CommandNotAllowed
from registry.importing import ServerSpec
from registry.models import Server
from registry.probe import Target, probe
from registry.probed import Seen

_LOCAL = (Server.Transport.STDIO, Server.Transport.INTERNAL)
REMOTE = [one for one in Server.Transport.choices if one[0] not in _LOCAL]
# A look has no time to send somebody to an authorization server.
STORED = [
    one for one in Server.Authentication.choices if one[0] not in ("oauth", "client_credentials")
]
_TEXT: dict[str, Any] = {"required": False, "max_length": 10_000}


class CredentialBody(shapes.Strict):
    api_key = shapes.StrictText(**_TEXT, help_text="For bearer and api_key; ${NAME} is a variable.")
    username = shapes.StrictText(**_TEXT)
    password = shapes.StrictText(**_TEXT)
    header_name = shapes.StrictText(**_TEXT)
    header_value = shapes.StrictText(**_TEXT)
    client_id = shapes.StrictText(**_TEXT)
    client_secret = shapes.StrictText(**_TEXT)
    issuer = shapes.StrictText(**_TEXT)
    scope = shapes.StrictText(**_TEXT)


class ServerBody(shapes.Strict):
    """A server to register. One that is a command is registered by whoever runs the deployment."""

    name = shapes.StrictText(max_length=32, trim_whitespace=False)
    url = shapes.StrictText(max_length=2000, trim_whitespace=False)
    transport = serializers.ChoiceField(REMOTE, default="http")
    document_url = shapes.StrictText(**_TEXT | {"max_length": 2000}, allow_blank=True)
    document = shapes.StrictText(
        required=False, allow_blank=True, help_text="The text of an OpenAPI document."
    )
    display_name = shapes.StrictText(**_TEXT | {"max_length": 128}, allow_blank=True)
    description = shapes.StrictText(**_TEXT, allow_blank=True)
    tags = serializers.ListField(child=shapes.StrictText(), required=False)
    enabled = serializers.BooleanField(default=True)
    trust = serializers.ChoiceField(Server.Trust.choices, default="first_use")
    authentication = serializers.ChoiceField(Server.Authentication.choices, default="none")
    credential = CredentialBody(required=False, help_text="Stored encrypted, and never shown.")
    timeout_seconds = serializers.FloatField(
        required=False,
        min_value=patience.SHORTEST_TIMEOUT,
        max_value=patience.LONGEST_TIMEOUT,
    )


class ProbeBody(shapes.Strict):
    url = shapes.StrictText(required=False, max_length=2000, trim_whitespace=False)
    command = serializers.ListField(
        child=shapes.StrictText(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="Instead of an address; whole, as the deployment lists it.",
    )
    authentication = serializers.ChoiceField(STORED, default="none")
    credential = CredentialBody(required=False, help_text="Used for this look, and not kept.")


class SeenToolShape(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(help_text="The server's own words: not to be trusted.")
    effect = serializers.CharField(help_text="By its hints; none counts as: may destroy.")
    has_hints = serializers.BooleanField()
    flaw = serializers.CharField(help_text="Why it could never be offered; empty when it could.")
    warnings = serializers.ListField(child=serializers.CharField())


class ChallengeShape(serializers.Serializer):
    scheme = serializers.CharField()
    realm = serializers.CharField()
    scope = serializers.CharField()
    metadata_url = serializers.CharField()
    authorization_servers = serializers.ListField(child=serializers.CharField())


class SeenShape(serializers.Serializer):
    transport = serializers.ChoiceField(Server.Transport.choices)
    url = serializers.CharField()
    argv = serializers.ListField(child=serializers.CharField())
    generation = serializers.CharField(help_text="stateless, handshake, or empty: not known.")
    protocol_version = serializers.CharField()
    server_info = serializers.JSONField()
    instructions = serializers.CharField(help_text="The server's own words: not to be trusted.")
    tools = SeenToolShape(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    document_url = serializers.CharField(help_text="Of a REST service.")
    suggested_authentication = serializers.CharField()
    suggested_header = serializers.CharField()
    challenge = ChallengeShape(
        allow_null=True, help_text="What it wants, if it wants a credential."
    )
    suggested_name = serializers.CharField()
    milliseconds = serializers.IntegerField()


class ProbeView(base.AdminView):
    """Look at an address, or behind an allowed command, without registering anything.

    What cannot be registered is a 502 that says why and what to do; an address that must not be
    dialled is a 400. Nothing is stored; who looked where is on the record.
    """

    required_right = Right.MODIFY_CONFIG

    @extend_schema(
        operation_id="admin_probe_server",
        request=ProbeBody,
        responses={200: SeenShape, 502: shapes.Error, 503: shapes.Error, **base.REFUSALS},
    )
    def post(self, request: Request) -> Response:
        target = _target(base.checked(ProbeBody, request))
        return Response(present(probe(target, who=base.who(request))))


def spec_of(values: dict[str, Any]) -> ServerSpec:
    """The server that a checked `ServerBody` describes."""
    plain = {name: value for name, value in values.items() if name != "credential"}
    if "tags" in plain:
        plain["tags"] = tuple(plain["tags"])
    if values.get("credential"):
        plain["credentials"] = {"authentication": dict(values["credential"])}
    return ServerSpec(**plain)


def present(seen: Seen) -> dict[str, Any]:
    """What was seen, as `SeenShape` documents it."""
    return {**asdict(seen), "generation": seen.generation}


def _target(values: dict[str, Any]) -> Target:
    url, command = values.get("url", ""), values.get("command", [])
    if bool(url) == bool(command):
        raise BadRequest("Give a url or a command.", field="url")
    if values["authentication"] == Server.Authentication.NONE and values.get("credential"):
        raise BadRequest("Authentication none takes no secret.", field="credential")
    if command:
        try:
            check_command(command)
        except CommandNotAllowed as error:
            raise BadRequest(f"{error.message}. {error.hint}", field="command") from error
    return Target(url, tuple(command), values["authentication"], dict(values.get("credential", {})))
