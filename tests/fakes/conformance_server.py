"""A server with what the official conformance suite asks for by name: tools, prompts, resources.

On the official SDK, both generations, state signed as the specification wants it. Run as
`python -m tests.fakes.conformance_server`, it prints its URL and serves until it is killed.
"""

import hashlib
import hmac
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ToolsListChanged,
)
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError

from tests.fakes.mcp_server import listen, running

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAF"
    "BQIAX8jx0gAAAABJRU5ErkJggg=="
)
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
STATE_KEY = b"the fixture's own, for nothing else"
Context = Any
Tool = Callable[[Context, types.CallToolRequestParams], Awaitable[dict[str, Any]]]

bus = InMemorySubscriptionBus()
# What the two tools that change the lists have added.
added = {"tools": 0, "prompts": 0}


def forget_changes() -> None:
    """Offer what was offered at first."""
    added.update(tools=0, prompts=0)


# --- Content --------------------------------------------------------------------------------------
def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def image() -> dict[str, Any]:
    return {"type": "image", "data": PIXEL, "mimeType": "image/png"}


def embedded(uri: str, kind: str, said: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": said}}


def complete(*content: dict[str, Any], failed: bool = False) -> dict[str, Any]:
    return {"content": list(content), "isError": failed, "resultType": "complete"}


def listed_as(key: str, listed: list[dict[str, Any]]) -> dict[str, Any]:
    """A result that may be kept by nobody else, and by nobody for long."""
    return {key: listed, "ttlMs": 0, "cacheScope": "private", "resultType": "complete"}


def always(*content: dict[str, Any], failed: bool = False) -> Tool:
    async def tool(_context: Context, _params: types.CallToolRequestParams) -> dict[str, Any]:
        return complete(*content, failed=failed)

    return tool


# --- Tools that say something while they work -----------------------------------------------------
async def with_logging(context: Context, _params: Any) -> dict[str, Any]:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_notification(
            types.LoggingMessageNotification(
                params=types.LoggingMessageNotificationParams(level="info", data=said)
            ),
            related_request_id=context.request_id,
        )
        await anyio.sleep(0.02)
    return complete(text("Tool with logging executed successfully"))


async def quiet_unless_asked(context: Context, params: Any) -> dict[str, Any]:
    wants_logs = types.LOG_LEVEL_META_KEY in (context.meta or {})
    return await with_logging(context, params) if wants_logs else complete(text("done"))


async def with_progress(context: Context, _params: Any) -> dict[str, Any]:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100, f"{done} of 100")
        await anyio.sleep(0.02)
    return complete(text("Tool with progress executed successfully"))


async def change_tools(_context: Context, _params: Any) -> dict[str, Any]:
    added["tools"] += 1
    await bus.publish(ToolsListChanged())
    return complete(text("One tool more."))


async def change_prompts(_context: Context, _params: Any) -> dict[str, Any]:
    added["prompts"] += 1
    await bus.publish(PromptsListChanged())
    return complete(text("One prompt more."))


# --- Tools that ask before there is a result ------------------------------------------------------
def form(message: str, **properties: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    params = {"mode": "form", "message": message, "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def sample(prompt: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": text(prompt)}]
    return {
        "method": "sampling/createMessage",
        "params": {"messages": messages, "maxTokens": 100},
    }


ROOTS: dict[str, Any] = {"method": "roots/list", "params": {}}


def asks(requests: dict[str, Any], state: Any = None) -> dict[str, Any]:
    asked = {"resultType": "input_required", "inputRequests": requests}
    if state is not None:
        asked["requestState"] = signed(json.dumps(state))
    return asked


def signed(said: str) -> str:
    return f"{hmac.digest(STATE_KEY, said.encode(), hashlib.sha256).hex()}:{said}"


def answers_of(params: Any) -> dict[str, Any]:
    found = params.input_responses or {}
    return {
        key: one if isinstance(one, dict) else one.model_dump(mode="json", by_alias=True)
        for key, one in found.items()
    }


def state_of(params: Any) -> Any:
    """The state that came back. Raises MCPError for one that is not ours."""
    if params.request_state is None:
        return None
    said = params.request_state.partition(":")[2]
    if not hmac.compare_digest(params.request_state, signed(said)):
        raise MCPError(types.INVALID_PARAMS, "The state was tampered with.")
    return json.loads(said)


def asking(requests: dict[str, Any], *, state: Any = None, said: str = "Thank you") -> Tool:
    """A tool that asks all of these at once, and is content when all are answered."""

    async def tool(_context: Context, params: Any) -> dict[str, Any]:
        answers, given = answers_of(params), state_of(params)
        if not set(requests) <= set(answers) or given != state:
            return asks(requests, state)
        return complete(text(f"{said}: {json.dumps(answers)}"))

    return tool


async def in_rounds(_context: Context, params: Any) -> dict[str, Any]:
    answers, state = answers_of(params), state_of(params)
    if state is None:
        return asks({"step1": form("Step 1: What is your name?", name="string")}, {"round": 1})
    if state["round"] == 1:
        second = form("Step 2: What is your favorite color?", color="string")
        return asks({"step2": second}, {"round": 2, "first": answers.get("step1")})
    return complete(text(f"Both rounds done: {json.dumps([state, answers])}"))


async def by_capabilities(context: Context, params: Any) -> dict[str, Any]:
    declared = (context.meta or {}).get(types.CLIENT_CAPABILITIES_META_KEY, {})
    requests = {"sampled": sample("Say hello.")} if "sampling" in declared else {}
    if "elicitation" in declared:
        requests["told"] = form("Your name?", name="string")
    if not requests or answers_of(params):
        return complete(text("Nothing to ask."))
    return asks(requests)


async def needs_sampling(context: Context, _params: Any) -> dict[str, Any]:
    declared = (context.meta or {}).get(types.CLIENT_CAPABILITIES_META_KEY, {})
    if "sampling" not in declared:
        data = {"requiredCapabilities": {"sampling": {}}}
        code = types.MISSING_REQUIRED_CLIENT_CAPABILITY
        raise MCPError(code, "This tool needs a client that samples.", data)
    return complete(text("done"))


NAME = {"user_name": form("What is your name?", name="string")}
CONFIRM = {"confirm": form("Please confirm", ok="boolean")}
SEVERAL = {**NAME, "greeting": sample("Generate a greeting"), "client_roots": ROOTS}
TOOLS: dict[str, Tool] = {
    "test_simple_text": always(text("This is a simple text response for testing.")),
    "test_image_content": always(image()),
    "test_audio_content": always({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}),
    "test_embedded_resource": always(
        embedded("test://embedded-resource", "text/plain", "An embedded resource.")
    ),
    "test_multiple_content_types": always(
        text("Multiple content types test:"),
        image(),
        embedded("test://mixed-content-resource", "application/json", '{"test": "data"}'),
    ),
    "test_tool_with_logging": with_logging,
    "test_logging_tool": quiet_unless_asked,
    "test_tool_with_progress": with_progress,
    "test_error_handling": always(
        text("This tool intentionally returns an error for testing"), failed=True
    ),
    "test_missing_capability": needs_sampling,
    "test_streaming_elicitation": asking(NAME),
    "test_trigger_tool_change": change_tools,
    "test_trigger_prompt_change": change_prompts,
    "test_input_required_result_elicitation": asking(NAME, said="Hello"),
    "test_input_required_result_sampling": asking(
        {"capital_question": sample("What is the capital of France?")}
    ),
    "test_input_required_result_list_roots": asking({"client_roots": ROOTS}),
    "test_input_required_result_request_state": asking(CONFIRM, state="kept", said="state-ok"),
    "test_input_required_result_multiple_inputs": asking(SEVERAL, state="several"),
    "test_input_required_result_multi_round": in_rounds,
    "test_input_required_result_tampered_state": asking(CONFIRM, state="signed"),
    "test_input_required_result_capabilities": by_capabilities,
    "test_header_arguments": always(text("done")),
    "json_schema_2020_12_tool": always(text("done")),
}


ADDRESS = {"street": {"type": "string"}, "city": {"type": "string"}}
SCHEMAS: dict[str, dict[str, Any]] = {
    "test_header_arguments": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {"$anchor": "addressDef", "type": "object", "properties": ADDRESS},
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}


async def list_tools(_context: Context, _params: Any) -> dict[str, Any]:
    names = [*TOOLS, *(f"test_added_tool_{number}" for number in range(added["tools"]))]
    listed = [
        {
            "name": name,
            "description": f"The suite's {name}.",
            "inputSchema": SCHEMAS.get(name, {"type": "object", "properties": {}}),
            "annotations": {"readOnlyHint": True},
        }
        for name in names
    ]
    return listed_as("tools", listed)


async def call_tool(context: Context, params: types.CallToolRequestParams) -> dict[str, Any]:
    tool = TOOLS.get(params.name)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
    return await tool(context, params)


# --- Prompts --------------------------------------------------------------------------------------
PROMPTS: dict[str, list[str]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}


async def list_prompts(_context: Context, _params: Any) -> dict[str, Any]:
    names = {**PROMPTS, **{f"test_added_prompt_{n}": [] for n in range(added["prompts"])}}
    listed = [
        {
            "name": name,
            "description": f"The suite's {name}.",
            "arguments": [{"name": one, "description": one, "required": True} for one in arguments],
        }
        for name, arguments in names.items()
    ]
    return listed_as("prompts", listed)


async def get_prompt(_context: Context, params: types.GetPromptRequestParams) -> dict[str, Any]:
    given = params.arguments or {}
    if params.name == "test_input_required_result_prompt" and not answers_of(params):
        return asks({"user_context": form("What context should be used?", context="string")})
    content = {
        "test_simple_prompt": [text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            text(f"arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            embedded(given.get("resourceUri", ""), "text/plain", "Embedded for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [image(), text("Please analyze the image above.")],
        "test_input_required_result_prompt": [text(f"Context: {answers_of(params)}")],
    }.get(params.name)
    if content is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    messages = [{"role": "user", "content": one} for one in content]
    return {"resultType": "complete", "messages": messages}


# --- Resources ------------------------------------------------------------------------------------
def of_text(uri: str, said: str, kind: str = "text/plain") -> dict[str, Any]:
    return {"uri": uri, "mimeType": kind, "text": said}


RESOURCES = {
    "test://static-text": of_text("test://static-text", "The content of the static text resource."),
    "test://static-binary": {"uri": "test://static-binary", "mimeType": "image/png", "blob": PIXEL},
    "test://watched-resource": of_text("test://watched-resource", "Watched resource content"),
}
TEMPLATE = "test://template/{id}/data"


async def list_resources(_context: Context, _params: Any) -> dict[str, Any]:
    listed = [
        {"uri": uri, "name": uri.rpartition("/")[2], "mimeType": one["mimeType"]}
        for uri, one in RESOURCES.items()
    ]
    return listed_as("resources", listed)


async def list_templates(_context: Context, _params: Any) -> dict[str, Any]:
    template = {"uriTemplate": TEMPLATE, "name": "by id", "mimeType": "application/json"}
    return listed_as("resourceTemplates", [template])


async def read_resource(_context: Context, params: Any) -> dict[str, Any]:
    uri = str(params.uri)
    found = RESOURCES.get(uri)
    if found is None and uri.startswith("test://template/") and uri.endswith("/data"):
        said = json.dumps({"id": uri.split("/")[3], "templateTest": True})
        found = of_text(uri, said, "application/json")
    if found is None:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return listed_as("contents", [found])


async def completion(_context: Context, params: Any) -> dict[str, Any]:
    values = [one for one in ("paris", "park", "party") if one.startswith(params.argument.value)]
    return {"resultType": "complete", "completion": {"values": values, "total": len(values)}}


HANDLERS: dict[str, tuple[Any, Any]] = {
    "tools/list": (types.PaginatedRequestParams, list_tools),
    "tools/call": (types.CallToolRequestParams, call_tool),
    "prompts/list": (types.PaginatedRequestParams, list_prompts),
    "prompts/get": (types.GetPromptRequestParams, get_prompt),
    "resources/list": (types.PaginatedRequestParams, list_resources),
    "resources/templates/list": (types.PaginatedRequestParams, list_templates),
    "resources/read": (types.ReadResourceRequestParams, read_resource),
    "completion/complete": (types.CompleteRequestParams, completion),
    "subscriptions/listen": (types.SubscriptionsListenRequestParams, ListenHandler(bus)),
}


def application() -> Any:
    """The server as an ASGI application."""
    server: Server[Any] = Server("conformance-fixture", version="1.0")
    for method, (params, handler) in HANDLERS.items():
        server.add_request_handler(method, params, handler)
    security = TransportSecuritySettings(allowed_hosts=["127.0.0.1:*"])
    return server.streamable_http_app(transport_security=security)


@dataclass(frozen=True)
class Fixture:
    """Where it is served."""

    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}/mcp"


@contextmanager
def serve() -> Iterator[Fixture]:
    """Serve on a free port until the block ends."""
    listening = listen()
    with running(application(), listening):
        yield Fixture(f"127.0.0.1:{listening.getsockname()[1]}")


def main() -> None:
    """Serve on a free port until killed."""
    with serve() as found:
        print(found.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
