"""What a client that knows nothing of us finds out first: who lets people in (RFC 9728)."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from accounts.models import ApiKey
from gateway.mcp_endpoint import bearer


@require_GET
def protected_resource(_request: HttpRequest, server: str = "") -> JsonResponse:
    """The metadata of `/mcp`, or of `/mcp/<server>`, which says nothing of whether there is one."""
    path = f"/mcp/{server}" if server else "/mcp"
    found: dict[str, Any] = {
        "resource": bearer.resource_at(path),
        "resource_name": "OMNI2",
        "bearer_methods_supported": ["header"],
        "scopes_supported": [ApiKey.Scope.TOOLS],
    }
    if bearer.enabled():
        found["authorization_servers"] = [settings.OIDC_ISSUER]
    answer = JsonResponse(found)
    # Clients that run in a page read it from there; it holds nothing of anybody's.
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
