"""What drf-spectacular cannot see by itself: our two credentials, and the stream of steps."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

_STEPS = (
    "Server-sent events: accepted, started, turn, delta, restart, calling, called, refused,"
    " waiting (for approval: what somebody has to decide on), decided, and at the end done with"
    " the whole question. `Last-Event-ID` resumes after the step of that id."
)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """`Authorization: Bearer omni2_…`."""

    target_class = "accounts.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "omni2_<prefix>_<secret>"}


class SessionScheme(OpenApiAuthenticationExtension):
    """The cookie of a browser's session; changes need its CSRF token too."""

    target_class = "accounts.auth.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def add_events(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Describe the stream of steps, which is not a view of REST framework's."""
    identifier = {"type": "string", "format": "uuid"}
    result["paths"]["/api/query/{question_id}/events"] = {
        "get": {
            "operationId": "events",
            "description": _STEPS,
            "parameters": [
                {"in": "path", "name": "question_id", "required": True, "schema": identifier},
                {"in": "header", "name": "Last-Event-ID", "schema": {"type": "string"}},
            ],
            "security": [{"apiKey": []}, {"session": []}],
            "tags": ["api"],
            "responses": {
                "200": {"description": "The steps.", "content": {"text/event-stream": {}}},
                "401": {"description": "No valid credential."},
                "404": {"description": "No such question of this person."},
            },
        }
    }
    return result
