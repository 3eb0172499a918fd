"""mcps.yaml → servers: what a name, an address, a command and a credential must be."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from omni2.configuration.checking import Checked
from omni2.configuration.reading import join
from registry import documents
from registry.errors import RegistryError
from registry.importing import ServerSpec, endpoint_of_spec
from registry.mcp.errors import GuardRefused
from registry.mcp.guard import check_url
from registry.models import Server
from registry.naming import RESERVED_SERVERS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_RESERVED = re.compile(r"omni2([_-].*)?", re.IGNORECASE)
_TRANSPORTS = {
    "http": "http",
    "http_streamable": "http",
    "sse": "sse",
    "stdio": "stdio",
    "openapi": "openapi",
}
_STDIO_KEYS = ("command", "args", "cwd", "env")
# What each type of authentication takes, the needed ones first; see `registry.credentials`.
_NEEDED = {
    "bearer": ("api_key",),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
    "header": ("header_name", "header_value"),
    "oauth": (),
    "client_credentials": ("client_id", "client_secret", "issuer"),
}
_TAKEN = _NEEDED | {
    "api_key": ("api_key", "header_name"),
    "oauth": ("client_id", "client_secret", "issuer", "scope"),
    "client_credentials": ("client_id", "client_secret", "issuer", "scope"),
}
_TAKEN_AS_THEY_ARE = (
    *("display_name", "description", "enabled", "trust", "argument_defaults", "tool_prefix"),
    *("concurrent_calls", "fallback"),
)
_RETRY = {
    "max_attempts": "retry_attempts",
    "delay_seconds": "retry_delay_seconds",
    "connection_max_age_seconds": "connection_max_age_seconds",
}


def read_servers(checked: Checked) -> list[ServerSpec]:
    """The servers of the file; what is wrong with them is added to its problems."""
    reader = _Servers(checked)
    specs = [
        reader.server(item, f"mcps[{index}]")
        for index, item in enumerate(checked.data.get("mcps", []))
        if item is not None
    ]
    reader.report_commands()
    reader.check_fallbacks()
    return [spec for spec in specs if spec is not None]


class _Servers:
    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.general: Mapping[str, Any] = checked.data.get("global", {})
        self.registered = {
            name.lower(): name for name in Server.objects.values_list("name", flat=True)
        }
        self.seen: dict[str, str] = {}
        self.names: set[str] = set()
        self.commands: dict[str, list[str]] = {}
        self.fallbacks: dict[str, tuple[str, str]] = {}

    def server(self, item: Mapping[str, Any], path: str) -> ServerSpec | None:
        """One server, or None when nothing can be said about it."""
        self._check_name(item.get("name"), path)
        transport = _TRANSPORTS[item.get("protocol", "http")]
        columns = self._reached(item, transport, path) | self._plain(item)
        if item.get("fallback"):
            self.fallbacks[f"{path}.fallback"] = item.get("name", ""), item["fallback"]
        authentication, credentials = self._authentication(item, transport, path)
        if not self.checked.sound(path):
            return None
        spec = ServerSpec(
            name=item["name"],
            transport=transport,
            authentication=authentication,
            credentials=credentials,
            **columns,
        )
        self._check_endpoint(spec, path)
        return spec

    def _check_name(self, name: str | None, path: str) -> None:
        if name is None:
            return
        path = f"{path}.name"
        if not _NAME.fullmatch(name):
            self.checked.refuse(
                path, "a server's name is 1 to 32 letters, digits, _ and -, beginning with no sign"
            )
        elif "__" in name or name.endswith("_"):
            self.checked.refuse(path, "__ divides server from tool, so no name holds or begins it")
        elif _RESERVED.fullmatch(name) or name.lower() in RESERVED_SERVERS:
            self.checked.refuse(
                path, "gateway, omni2 and names beginning with omni2_ or omni2- are OMNI2's own"
            )
        elif name.lower() in self.seen:
            first = self.checked.place(self.seen[name.lower()]).line
            self.checked.refuse(path, f"is the name of the server in line {first} already")
        elif self.registered.get(name.lower(), name) != name:
            known = self.registered[name.lower()]
            self.checked.refuse(path, f"is registered as {known}, and case makes no difference")
        self.seen.setdefault(name.lower(), path)
        self.names.add(name)

    def _plain(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that are taken as they stand, with the general value where there is none."""
        retry = self.general.get("retry", {}) | item.get("retry", {})
        limit = item.get("rate_limit", {})
        columns = {column: retry[key] for key, column in _RETRY.items() if key in retry}
        columns |= {key: limit[key] for key in ("requests_per_minute", "burst") if key in limit}
        columns |= {key: item[key] for key in _TAKEN_AS_THEY_ARE if key in item}
        if "may_ask" in item:
            columns["may_ask"] = tuple(kind for kind in item["may_ask"] if kind is not None)
        columns["tags"] = tuple(tag for tag in item.get("tags", ()) if tag is not None)
        general = self.general.get("default_timeout_seconds", 30)
        return columns | {"timeout_seconds": item.get("timeout_seconds", general)}

    def _reached(self, item: Mapping[str, Any], transport: str, path: str) -> dict[str, Any]:
        if transport == "stdio":
            for key in ("document_url", "document"):
                if key in item:
                    self.checked.refuse(f"{path}.{key}", f"{key} needs protocol: openapi")
            return self._command(item, path)
        for key in _STDIO_KEYS:
            if key in item:
                self.checked.refuse(f"{path}.{key}", f"{key} needs protocol: stdio")
        if "url" not in item:
            if f"{path}.url" not in self.checked.places:
                self.checked.refuse(path, "url is missing")
            return {}
        self._check_url(item["url"], f"{path}.url")
        return {"url": item["url"]} | self._document(item, transport, path)

    def _document(self, item: Mapping[str, Any], transport: str, path: str) -> dict[str, str]:
        """Where the OpenAPI document of a REST service lies, or the document itself."""
        url, text = item.get("document_url") or "", item.get("document") or ""
        fault = documents.fault_of(transport, item["url"], url, text)
        if fault is not None:
            named = f"{path}.{fault.field}"
            self.checked.refuse(named if named in self.checked.places else path, fault.message)
        return {"document_url": url, "document": text}

    def _check_url(self, url: str, path: str) -> None:
        try:
            check_url(url, frozenset(settings.INTERNAL_ADDRESSES))
        except GuardRefused as error:
            hint = "internal ones are listed as host:port in OMNI2_INTERNAL_ADDRESSES"
            self.checked.refuse(path, f"{error} ({hint})")

    def _command(self, item: Mapping[str, Any], path: str) -> dict[str, Any]:
        if "url" in item:
            self.checked.refuse(f"{path}.url", "a server of protocol stdio has a command, no url")
        if "command" not in item:
            if f"{path}.command" not in self.checked.places:
                self.checked.refuse(path, "command is missing")
            return {}
        argv = [item["command"], *item.get("args", [])]
        # Something in it was wrong and is reported already.
        whole = None not in argv and ("args" in item or f"{path}.args" not in self.checked.places)
        if whole and argv not in [list(allowed) for allowed in settings.STDIO_COMMANDS]:
            self.commands[f"{path}.command"] = argv
        return {"argv": tuple(argv), "cwd": item.get("cwd", "")}

    def report_commands(self) -> None:
        """Refuse the commands that the deployment does not list, with the list that would do."""
        listed = [*settings.STDIO_COMMANDS, *self.commands.values()]
        for path, argv in self.commands.items():
            self.checked.refuse(
                path,
                f"this deployment does not allow the command {json.dumps(argv)}; "
                f"whoever runs it may set OMNI2_STDIO_COMMANDS={json.dumps(listed)}",
            )

    def check_fallbacks(self) -> None:
        """Refuse to let a server stand in that nobody knows, or one for itself."""
        known = {*self.registered.values(), *self.names}
        for path, (name, fallback) in self.fallbacks.items():
            if fallback == name:
                self.checked.refuse(path, "a server does not stand in for itself")
            elif fallback not in known:
                self.checked.refuse(path, f"there is no server called {fallback}")

    def _authentication(
        self, item: Mapping[str, Any], transport: str, path: str
    ) -> tuple[str, dict[str, dict[str, str]]]:
        said = item.get("authentication", {})
        path = f"{path}.authentication"
        if transport == "stdio":
            self._note_unused(said, (), f"{path}", "a stdio server gets its secrets through env")
            return "none", {"env": dict(item["env"])} if item.get("env") else {}
        if not said.get("enabled", bool(said)):
            self._note_unused(said, ("enabled",), path, "authentication.enabled is false")
            return "none", {}
        kind = said.get("type")
        if kind is None:
            if f"{path}.type" not in self.checked.places:
                self.checked.refuse(path, f"type is missing: {', '.join(_NEEDED)}")
            return "none", {}
        for name in _NEEDED[kind]:
            if name not in said and f"{path}.{name}" not in self.checked.places:
                self.checked.refuse(path, f"{name} is missing for type {kind}")
        self._note_unused(said, ("enabled", "type", *_TAKEN[kind]), path, f"type is {kind}")
        values = {name: said[name] for name in _TAKEN[kind] if name in said}
        return kind, {"authentication": values}

    def _note_unused(
        self, said: Mapping[str, Any], used: tuple[str, ...], path: str, because: str
    ) -> None:
        for key in said:
            if key not in used:
                self.checked.note(join(path, key), because)

    def _check_endpoint(self, spec: ServerSpec, path: str) -> None:
        """Let the registry say what would keep it from connecting."""
        if f"{path}.command" in self.commands:
            return
        try:
            endpoint_of_spec(spec)
        except RegistryError as error:
            part = "env" if spec.transport == "stdio" else "authentication"
            self.checked.refuse(f"{path}.{part}", str(error))
