"""What a caller is shown, and what they mean by a name: tools, prompts, resources, templates."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from mcp.shared.inbound import x_mcp_header_map
from mcp.shared.uri_template import UriTemplate

from accounts import access
from accounts.policy import Effect, Policy, effects
from audit.stamps import Kept
from gateway import toolbox
from gateway.mcp_endpoint.caller import Caller
from registry import catalogue, offerings, publishing
from registry.models import Tool
from registry.offerings import KEYS, PROMPT, RESOURCE, TEMPLATE, VERB_OF, Offering

NOBODY_KNOWS = ("", "")

_kept = Kept("accounts", "registry", size=2, of="tools as MCP clients see them")
_wanting = Kept("registry", size=1)


# --- Lists: the results of the protocol's methods, in a fixed order, shared: nobody changes them --
def tools(caller: Caller) -> dict[str, Any]:
    """The tools that a call of theirs would not be refused by name."""
    box = toolbox.open_for(caller.asker, server=caller.server)
    known = _kept.get(bool(caller.server), lambda: definitions(own_names=bool(caller.server)))
    return {"tools": [known[spec.name] for spec in box.offered if spec.name in known]}


def may_want_headers(tool: Tool) -> bool:
    """Whether any argument of the tool, shown or not, is to be repeated in a header."""
    return tool.pk in _wanting.get("all", _wanting_headers)


def _wanting_headers() -> frozenset[int]:
    return frozenset(
        tool.pk for tool in catalogue.everything() if x_mcp_header_map(tool.input_schema)
    )


def shown_schema(caller: Caller, tool: Tool) -> Mapping[str, Any] | None:
    """What the caller is shown of a tool's arguments; None where they are not shown the tool."""
    offered = toolbox.open_for(caller.asker, server=tool.server.name).offered
    return next((spec.input_schema for spec in offered if spec.tool == tool.name), None)


def prompts(caller: Caller) -> dict[str, Any]:
    """The prompts of the servers whose prompts they may get."""
    return {"prompts": list(_shown(caller, PROMPT))}


def resources(caller: Caller) -> dict[str, Any]:
    """The resources of the servers whose resources they may read."""
    return {"resources": list(_shown(caller, RESOURCE))}


def templates(caller: Caller) -> dict[str, Any]:
    """The templates of such resources."""
    return {"resourceTemplates": list(_shown(caller, TEMPLATE))}


def definitions(*, own_names: bool) -> Mapping[str, dict[str, Any]]:
    """Every tool as clients see it, by its qualified name."""
    policy, _ = access.current()
    public = publishing.names().of
    return {
        tool.qualified_name: _definition(
            tool, policy, name=tool.name if own_names else public.get(tool.qualified_name, "")
        )
        for tool in catalogue.everything()
    }


def _definition(tool: Tool, policy: Policy, *, name: str) -> dict[str, Any]:
    """The whole tool object as it was accepted, under the name that this door gives it."""
    schema = toolbox.spec_of(tool, policy).input_schema
    return {**publishing.published(tool), "name": name, "inputSchema": schema}


def _shown(caller: Caller, kind: str) -> Iterator[dict[str, Any]]:
    servers = _open_to(caller, VERB_OF[kind])
    for one in offerings.everything(kind):
        if one.server.name in servers:
            key = one.key if caller.server else one.public
            yield {**one.definition, KEYS[kind]: key}


def _open_to(caller: Caller, verb: str) -> frozenset[str]:
    """The servers on which the policy lets the caller do this, by what is known before a call."""
    policy, _ = access.current()
    found = [one for one in catalogue.verbs(verb) if caller.server in ("", one.server.name)]
    subject, targets = caller.asker.subject(), [toolbox.target_of(one) for one in found]
    said = effects(policy, subject, targets, timezone.now())
    return frozenset(
        one.server.name for one, effect in zip(found, said, strict=True) if effect != Effect.DENY
    )


# --- Names: whether the caller may is asked when it is done ---------------------------------------
def find_tool(caller: Caller, name: str) -> Tool | None:
    """The tool that the caller means by this name."""
    if caller.server:
        return catalogue.find(caller.server, name)
    return publishing.names().tools.get(name)


def find_prompt(caller: Caller, name: str) -> tuple[str, str]:
    """Server and own name of a prompt."""
    return _withheld(PROMPT, _found(caller, PROMPT, name) or NOBODY_KNOWS)


def find_resource(caller: Caller, uri: str) -> tuple[str, str]:
    """Server and own URI of a resource, listed or not: a server may have more than it lists."""
    if caller.server:
        return _withheld(RESOURCE, (caller.server, uri))
    prefixed = offerings.split_uri(uri)
    if prefixed is not None:
        return _withheld(RESOURCE, prefixed)
    return _withheld(RESOURCE, _found(caller, RESOURCE, uri) or _by_template(uri) or ("", uri))


def find_reference(caller: Caller, ref: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The server that knows what is to be completed, and the reference as it knows it."""
    if ref.get("type") == "ref/prompt":
        server, name = find_prompt(caller, str(ref.get("name")))
        return server, {**ref, "name": name}
    uri = str(ref.get("uri"))
    server, own = _found(caller, TEMPLATE, uri) or find_resource(caller, uri)
    return server, {**ref, "uri": own}


def _found(caller: Caller, kind: str, name: str) -> tuple[str, str] | None:
    if caller.server:
        return caller.server, name
    for one in offerings.everything(kind):
        if one.public == name:
            return one.server.name, one.key
    return None


def _withheld(kind: str, place: tuple[str, str]) -> tuple[str, str]:
    """The place, unless what lies there is set aside: then it is as if there were nothing."""
    return NOBODY_KNOWS if offerings.is_set_aside(kind, *place) else place


def _by_template(uri: str) -> tuple[str, str] | None:
    """The server that asked for no prefix, and has a template that this URI was made from."""
    for one in offerings.everything(TEMPLATE):
        if not one.server.tool_prefix and _is_made_from(one, uri):
            return one.server.name, uri
    return None


def _is_made_from(template: Offering, uri: str) -> bool:
    try:
        return UriTemplate.parse(template.key).match(uri) is not None
    except ValueError:
        return False


def under_public_names(caller: Caller, server: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the resources in it under the URIs that the caller can read them by."""
    renamed = dict(result)
    if caller.server or not any(
        map(_names_resources, (result.get("contents"), result.get("content")))
    ):
        return renamed
    tool = catalogue.find(server, VERB_OF[RESOURCE])
    if tool is None or not tool.server.tool_prefix:
        return renamed
    for key in ("contents", "content"):
        if isinstance(renamed.get(key), list):
            renamed[key] = [_renamed(one, server) for one in renamed[key]]
    return renamed


def _names_resources(blocks: Any) -> bool:
    """Whether one of these contents is a resource, holds one or is a link to one."""
    return isinstance(blocks, list) and any(
        isinstance(block, dict) and ("uri" in block or "resource" in block) for block in blocks
    )


def _renamed(block: Any, server: str) -> Any:
    """A resource, what holds one or a link to one, with its public URI; anything else as it is."""
    if not isinstance(block, dict):
        return block
    if isinstance(block.get("resource"), dict):
        return {**block, "resource": _renamed(block["resource"], server)}
    if not isinstance(block.get("uri"), str):
        return block
    return {**block, "uri": offerings.prefixed_uri(server, block["uri"])}
