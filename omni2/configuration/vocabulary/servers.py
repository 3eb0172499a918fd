"""mcps.yaml: servers, and the rules about their tools."""

from omni2.configuration.shapes import (
    Applied,
    Data,
    Flag,
    Ignored,
    ListOf,
    MapOf,
    Number,
    Section,
    Text,
    Variable,
    Whole,
)
from omni2.configuration.vocabulary.people import right
from registry import patience

PATTERNS = ListOf(item=Text(may_be_empty=False))


def _patterns(to: str) -> ListOf:
    return ListOf(item=PATTERNS.item, effect=Applied(to))


def _retry(of: str) -> Section:
    return Section(
        keys={
            "max_attempts": Whole(
                least=1, most=patience.MOST_ATTEMPTS, effect=Applied(f"Server.retry_attempts{of}")
            ),
            "delay_seconds": Number(
                most=patience.LONGEST_DELAY, effect=Applied(f"Server.retry_delay_seconds{of}")
            ),
            "connection_max_age_seconds": Whole(
                effect=Applied(f"Server.connection_max_age_seconds{of}")
            ),
        }
    )


def _timeout(of: str) -> Number:
    return Number(
        least=patience.SHORTEST_TIMEOUT,
        most=patience.LONGEST_TIMEOUT,
        effect=Applied(f"Server.timeout_seconds{of}"),
    )


_OF_OTHERS = " of servers that say nothing of their own"

GLOBAL = Section(
    keys={
        "default_timeout_seconds": _timeout(_OF_OTHERS),
        "retry": _retry(_OF_OTHERS),
        "auto_discovery_enabled": Flag(
            effect=Ignored("tools are always listed anew, at the interval of the deployment")
        ),
        "discovery_interval_minutes": Whole(effect=Variable("OMNI2_MCP_SYNC_MINUTES")),
        "health_check_interval_seconds": Whole(effect=Variable("OMNI2_MCP_HEALTH_SECONDS")),
        "default_effect": Text(choices=("deny", "allow"), effect=Applied("layer 8, default")),
        "blocked_tools": _patterns("layer 2, global blocks"),
        "admin_only_tools": _patterns("layer 3, admin only"),
    }
)

_SEALED = "the server's sealed credentials; a ${VAR} is kept and read when it connects"

AUTHENTICATION = Section(
    keys={
        "enabled": Flag(effect=Applied("Server.authentication: none when false")),
        "type": Text(
            choices=("bearer", "basic", "api_key", "header", "oauth", "client_credentials"),
            effect=Applied("Server.authentication"),
        ),
        **{
            name: Text(reference=True, may_be_empty=False, effect=Applied(_SEALED))
            for name in (
                *("api_key", "username", "password", "header_name", "header_value"),
                *("client_id", "client_secret", "issuer", "scope"),
            )
        },
    }
)

RESTRICTION = Section(
    effect=Applied("layer 7, role"),
    keys={
        "allow_all": Flag(),
        "deny_all": Flag(),
        "allow_only": PATTERNS,
        "deny": PATTERNS,
        "allow_all_except": PATTERNS,
    },
)

SERVER = Section(
    required=("name",),
    keys={
        "name": Text(effect=Applied("Server.name")),
        "display_name": Text(longest=128, effect=Applied("Server.display_name")),
        "protocol": Text(
            choices=("http", "http_streamable", "sse", "stdio", "openapi"),
            effect=Applied("Server.transport; http when it is not given"),
        ),
        "url": Text(longest=2000, effect=Applied("Server.url")),
        "document_url": Text(longest=2000, effect=Applied("Document.url, for protocol openapi")),
        "document": Text(effect=Applied("Document.text, for protocol openapi")),
        "command": Text(may_be_empty=False, effect=Applied("Server.argv")),
        "args": ListOf(item=Text(), effect=Applied("Server.argv")),
        "cwd": Text(longest=1000, effect=Applied("Server.cwd")),
        "env": MapOf(key="NAME", value=Text(reference=True), effect=Applied(_SEALED)),
        "enabled": Flag(effect=Applied("Server.enabled")),
        "timeout_seconds": _timeout(""),
        "description": Text(effect=Applied("Server.description")),
        "tags": ListOf(item=Text(may_be_empty=False), effect=Applied("Server.tags")),
        "retry": _retry(""),
        "authentication": AUTHENTICATION,
        "tool_policy": Section(
            effect=Applied("layer 4, exposure"),
            required=("mode",),
            keys={
                "mode": Text(choices=("allow_all", "allow_all_except", "allow_only")),
                "exclude": PATTERNS,
                "allow": PATTERNS,
            },
        ),
        "role_restrictions": MapOf(key="ROLE", value=RESTRICTION, effect=Applied("layer 7, role")),
        "rate_limit": Section(
            keys={
                "requests_per_minute": Whole(effect=Applied("Server.requests_per_minute")),
                "burst": Whole(effect=Applied("Server.burst")),
            }
        ),
        "argument_defaults": MapOf(
            key="ARGUMENT", value=Data(), effect=Applied("Server.argument_defaults")
        ),
        "trust": Text(choices=("first_use", "manual", "always"), effect=Applied("Server.trust")),
        "concurrent_calls": Whole(
            least=1, effect=Applied("Server.concurrent_calls: at a time, of each process")
        ),
        "tool_prefix": Flag(
            effect=Applied("Server.tool_prefix: at `/mcp`, server__tool or the tool's own name")
        ),
        "fallback": Text(effect=Applied("Server.fallback: stands in when this one is not reached")),
        "may_ask": ListOf(
            item=Text(choices=("elicitation", "sampling", "roots", "defaults")),
            effect=Applied("Server.may_ask: of the MCP client behind a call; elicitation alone"),
        ),
        "confirm_destructive": Flag(effect=Applied("layer 10, confirmation")),
    },
)

ROLE = Section(
    keys={
        "description": Text(effect=Applied("Role.description")),
        "can_bypass_restrictions": Flag(effect=Applied("Role.can_bypass_tool_restrictions")),
        "can_manage_users": Flag(effect=right("can_manage_users")),
        "can_modify_config": Flag(effect=right("can_modify_config")),
    }
)


AUDIT = Section(
    keys={
        "log_all_requests": Flag(effect=Ignored("every call is always on the record")),
        "alert_on_patterns": ListOf(
            item=Text(may_be_empty=False),
            effect=Applied("AlertRule: calls of tools that fit, one rule for each pattern"),
        ),
        "watch_users": ListOf(
            item=Text(may_be_empty=False, longest=120),
            effect=Applied("AlertRule: all that a person does, one rule for each"),
        ),
        "retention_days": Whole(effect=Ignored("nothing is removed from the record by itself")),
        "export_to_siem": Flag(
            effect=Ignored("the address alone says it: OMNI2_SIEM_URL, empty for nowhere")
        ),
        "siem_endpoint": Text(effect=Variable("OMNI2_SIEM_URL")),
    }
)

_NO_CACHE = "results are never cached: each call is decided and made anew"
_NO_FALLBACK = "which server stands in for another is said of that one, by its key fallback"

ADVANCED = Section(
    keys={
        "allow_tool_chaining": Flag(
            effect=Ignored("a question may always use several tools, one after the other")
        ),
        "max_chain_length": Whole(effect=Variable("OMNI2_QUESTION_MAX_TURNS")),
        "allow_parallel_execution": Flag(
            effect=Ignored("the tools a model asks for in one turn always run side by side")
        ),
        "max_parallel_tools": Whole(effect=Ignored("this version does not let it be set")),
        "cache_tool_results": Flag(effect=Ignored(_NO_CACHE)),
        "cache_ttl_seconds": Whole(effect=Ignored(_NO_CACHE)),
        "mcp_fallback_enabled": Flag(effect=Ignored(_NO_FALLBACK)),
        "fallback_strategy": Text(effect=Ignored(_NO_FALLBACK)),
    }
)

ARGUMENT_RULE = Section(
    effect=Applied("layer 9, arguments"),
    required=("tools", "argument"),
    keys={
        "name": Text(longest=64, may_be_empty=False),
        "tools": PATTERNS,
        "argument": Text(may_be_empty=False),
        "allow": PATTERNS,
        "deny": PATTERNS,
        "from": Text(may_be_empty=False),
        "min": Number(least=-1e18, most=1e18),
        "max": Number(least=-1e18, most=1e18),
        "required": Flag(),
        "effect": Text(choices=("deny", "ask")),
    },
)

TEST = Section(
    effect=Applied("run after the import, which is undone when one fails"),
    required=("server", "tool", "expect"),
    keys={
        "person": Text(may_be_empty=False),
        "role": Text(may_be_empty=False),
        "server": Text(may_be_empty=False),
        "tool": Text(may_be_empty=False),
        "arguments": MapOf(key="ARGUMENT", value=Data()),
        "expect": Text(choices=("allow", "deny", "ask")),
    },
)

SERVERS = Section(
    keys={
        "global": GLOBAL,
        "mcps": ListOf(item=SERVER, effect=Applied("Server")),
        "roles": MapOf(key="ROLE", value=ROLE, effect=Applied("Role")),
        "tool_patterns": MapOf(
            key="GROUP",
            value=PATTERNS,
            effect=Applied("groups that patterns name as @GROUP; layer 2 blocks @dangerous"),
        ),
        "argument_rules": ListOf(item=ARGUMENT_RULE),
        "require_confirmation": Section(
            effect=Applied("layer 10, confirmation"),
            keys={"enabled": Flag(), "actions": PATTERNS},
        ),
        "tests": ListOf(item=TEST),
        "audit": AUDIT,
        "advanced": ADVANCED,
    }
)
