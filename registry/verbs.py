"""What a server is asked for beside its tools, under names that no tool can have.

Reading a resource, getting a prompt and completing an argument are governed as calls of read-only
tools: the policy names them `resources()`, `prompts()` and `completions()`, one of each on every
server, and whatever holds for a tool (reach, blocks, limits, approval, the record) holds for them.
They are in no list of tools.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.fingerprint import fingerprint
from registry.models import Server, Tool

RESOURCES, PROMPTS, COMPLETIONS = "resources()", "prompts()", "completions()"


@dataclass(frozen=True)
class Verb:
    """A method of the protocol, and what its parameters must be."""

    method: str
    required: Mapping[str, Any]
    optional: Mapping[str, Any]

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {**self.required, **self.optional},
            "required": list(self.required),
            "additionalProperties": False,
        }


_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
VERBS = {
    RESOURCES: Verb("resources/read", {"uri": _TEXT}, {}),
    PROMPTS: Verb("prompts/get", {"name": _TEXT}, {"arguments": _OBJECT}),
    COMPLETIONS: Verb(
        "completion/complete", {"ref": _OBJECT, "argument": _OBJECT}, {"context": _OBJECT}
    ),
}


def as_tool(server: Server, name: str) -> Tool:
    """The verb on this server as the tool it is governed as; it is no row."""
    schema = VERBS[name].schema()
    return Tool(
        server=server,
        name=name,
        qualified_name=name,
        input_schema=schema,
        annotations={"readOnlyHint": True},
        fingerprint=fingerprint([name, schema]),
    )
