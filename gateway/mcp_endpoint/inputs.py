"""What is asked of the client's person before there is a result (2026-07-28, `input_required`).

A server's questions are passed on where it may ask them and the client said it can answer; a form
says which server asks. The state that goes out with them comes back from the client, so it is
signed, and good for this person, this server, this very call, and ten minutes.
"""

from collections.abc import Mapping
from typing import Any

import mcp_types as types
from django.core import signing
from mcp.shared.exceptions import MCPError

from audit import chain
from gateway.mcp_endpoint.client import Client
from registry.mcp import forms

SECONDS = 600
APPROVAL = "approval"
_SALT = "gateway.mcp_endpoint.inputs"
# What a request asks for, by the capability that the client must have declared.
_CAPABILITIES = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}


def sealed(client: Client, place: Mapping[str, Any], **kept: Any) -> str:
    """The state `kept` as the client gets it; `place` says which call it belongs to."""
    return signing.dumps([_bound(client, place), kept], salt=_SALT, compress=True)


def opened(client: Client, place: Mapping[str, Any]) -> dict[str, Any]:
    """The state that came back; {} where none did. Raises MCPError where it is not ours."""
    if client.state is None:
        return {}
    try:
        bound, kept = signing.loads(client.state, salt=_SALT, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise _not_ours() from None
    if bound != _bound(client, place):
        raise _not_ours()
    return dict(kept)


def passed_on(
    client: Client, result: Mapping[str, Any], server: str, *, place: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What a server asks, as the client gets it; None where it asks what it may not."""
    requests = result.get("inputRequests") or {}
    if not isinstance(requests, Mapping) or not all(map(_is_known, requests.values())):
        return None
    asked: dict[str, Any] = {"resultType": "input_required"}
    if requests:
        asked["inputRequests"] = {key: _named(one, server) for key, one in requests.items()}
    state = result.get("requestState")
    kept: dict[str, Any] = {"server": state} if isinstance(state, str) else {}
    if defaults := _defaults(requests):
        kept["defaults"] = defaults
    if kept:
        asked["requestState"] = sealed(client, place, **kept)
    try:
        types.InputRequiredResult.model_validate(asked)
    except ValueError:
        return None
    return asked


def answered(client: Client, state: Mapping[str, Any]) -> dict[str, Any]:
    """The person's answers, with the defaults of the forms for what they left out (SEP-1034)."""
    defaults = state.get("defaults", {})
    return {
        key: forms.filled(one, defaults.get(key, {})) if isinstance(one, Mapping) else one
        for key, one in client.answers.items()
    }


def may_be_asked(asked: Mapping[str, Any], capabilities: Mapping[str, Any]) -> bool:
    """Whether all that a server asks is what it was told it may ask."""
    requests = asked.get("inputRequests", {}).values()
    return all(_CAPABILITIES[one["method"]] in capabilities for one in requests)


def wait_for_approval(client: Client, text: str, *, place: Mapping[str, Any]) -> dict[str, Any]:
    """A form that tells the person what their call waits for, and asks whether to try again."""
    form = {
        "message": text,
        "requestedSchema": {
            "type": "object",
            "properties": {
                "again": {
                    "type": "boolean",
                    "title": "Try again now",
                    "description": "Once somebody has approved it.",
                    "default": True,
                }
            },
        },
    }
    return {
        "resultType": "input_required",
        "inputRequests": {
            APPROVAL: {"method": "elicitation/create", "params": {"mode": "form", **form}}
        },
        "requestState": sealed(client, place, waits=True),
    }


def says_again(client: Client) -> bool:
    """Whether the person wants their call tried again."""
    answer = client.answers.get(APPROVAL)
    if not isinstance(answer, Mapping) or answer.get("action") != "accept":
        return False
    content = answer.get("content")
    return not isinstance(content, Mapping) or content.get("again", True) is not False


def _bound(client: Client, place: Mapping[str, Any]) -> list[Any]:
    return [client.caller.asker.user.pk, chain.digest(dict(place))]


def _defaults(requests: Mapping[str, Any]) -> dict[str, Any]:
    """What the forms say themselves, by the keys of those that say anything."""
    found = {
        key: forms.defaults_of(one.get("params", {}).get("requestedSchema"))
        for key, one in requests.items()
        if one["method"] == forms.ELICITATION
    }
    return {key: defaults for key, defaults in found.items() if defaults}


def _is_known(request: Any) -> bool:
    if not isinstance(request, Mapping) or request.get("method") not in _CAPABILITIES:
        return False
    params = request.get("params", {})
    return isinstance(params, Mapping) and params.get("mode", "form") == "form"


def _named(request: Mapping[str, Any], server: str) -> dict[str, Any]:
    """The request; a form's text says who asks, for the person knows only us."""
    if request["method"] != "elicitation/create":
        return dict(request)
    params = request.get("params", {})
    return {**request, "params": {**params, "message": f"{server} asks: {params.get('message')}"}}


def _not_ours() -> MCPError:
    return MCPError(types.INVALID_PARAMS, "This requestState is not one of ours for this call.")
