"""policy.yaml: a change of the policy. What the file does not speak of stays as it is."""

from omni2.configuration.shapes import Applied, Flag, ListOf, MapOf, Section, Text
from omni2.configuration.vocabulary.people import DEFAULT_USER, ROLE, reach, right
from omni2.configuration.vocabulary.servers import ARGUMENT_RULE, GLOBAL, PATTERNS, SERVER, SERVERS

_RIGHTS = (
    "can_bypass_tool_restrictions",
    "can_execute_dangerous_tools",
    "can_access_all_databases",
)

_SERVER_RULES = Section(
    required=("name",),
    keys={
        "name": Text(effect=Applied("the server whose rules these are, all of them")),
        **{
            name: SERVER.keys[name]
            for name in ("tool_policy", "role_restrictions", "confirm_destructive")
        },
    },
)

_ROLE_RULES = Section(
    keys={
        "permissions": Section(keys={name: Flag(effect=right(name)) for name in _RIGHTS}),
        **{
            name: ROLE.keys[name]
            for name in ("allowed_mcp_tools", "allowed_tool_patterns", "denied_tools")
        },
    }
)

_GRANT = Section(
    effect=Applied("the tools that the person's grants on the server keep; none revokes them"),
    required=("person", "server", "tools"),
    keys={
        "person": Text(may_be_empty=False),
        "server": Text(may_be_empty=False),
        "tools": PATTERNS,
    },
)

POLICY = Section(
    keys={
        "global": Section(
            keys={
                name: GLOBAL.keys[name]
                for name in ("default_effect", "blocked_tools", "admin_only_tools")
            }
        ),
        "tool_patterns": SERVERS.keys["tool_patterns"],
        "mcps": ListOf(item=_SERVER_RULES),
        "roles": MapOf(key="ROLE", value=_ROLE_RULES),
        "default_user": DEFAULT_USER,
        "argument_rules": ListOf(item=ARGUMENT_RULE),
        "require_confirmation": SERVERS.keys["require_confirmation"],
        "people": MapOf(
            key="EMAIL",
            value=Section(
                keys={
                    "role": Text(may_be_empty=False, effect=Applied("User.role: layer 7, role")),
                    "allowed_mcps": reach("User.allowed_mcps: layers 5 and 6, reach and own rule"),
                }
            ),
        ),
        "grants": ListOf(item=_GRANT),
        "tests": SERVERS.keys["tests"],
    }
)
