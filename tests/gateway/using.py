"""A house that gives everything on one server, and what two people used of it."""

from typing import Any

from accounts import access
from accounts.models import Rule
from tests.cast import Cast


def use_little(cast: Cast, client_of: Any) -> None:
    """Developers and Guest may call all of `upstream`; Dev adds, Guest echoes."""
    Rule.objects.filter(kind="role").update(patterns=["*"])
    cast.guest.allowed_mcps = {"upstream": "*"}
    cast.guest.save()
    access.publish("tests")
    for person, tool, arguments in (
        (cast.dev, "add", {"a": 1, "b": 2}),
        (cast.guest, "echo", {"text": "x"}),
    ):
        body = {"server": "upstream", "tool": tool, "arguments": arguments}
        answer = client_of(person).post("/api/mcp/tools/call", body, format="json")
        assert answer.status_code == 200
