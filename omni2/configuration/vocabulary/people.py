"""users.yaml: people, roles, teams, and what holds for anybody else."""

from omni2.configuration.shapes import (
    Applied,
    Effect,
    Either,
    Flag,
    Ignored,
    ListOf,
    MapOf,
    Number,
    Section,
    Shape,
    Stored,
    Text,
    Variable,
    Whole,
)

_NAMES = ListOf(item=Text(may_be_empty=False))
_EVERYTHING = Text(choices=("*",))


def reach(to: str) -> Shape:
    """What `allowed_mcps` takes, of a person or the default user."""
    own_rule = Section(
        required=("mode",),
        keys={
            "mode": Text(choices=("inherit", "custom", "all", "none")),
            "tools": _NAMES,
            "deny": _NAMES,
        },
    )
    by_server = MapOf(key="SERVER", value=Either(options=(_EVERYTHING, own_rule)))
    return Either(options=(_EVERYTHING, _NAMES, by_server), effect=Applied(to))


def _all_or_some(to: str) -> Shape:
    return Either(options=(_EVERYTHING, _NAMES), effect=Applied(to))


USAGE_LIMIT = Section(
    keys={
        "period_days": Whole(least=1, most=3660, effect=Applied("UsageLimit.period_days")),
        "max_requests": Whole(effect=Applied("UsageLimit.max_requests")),
        "max_tokens": Whole(
            most=9_000_000_000_000_000_000, effect=Applied("UsageLimit.max_tokens")
        ),
        "max_cost": Number(most=99_999_999, effect=Applied("UsageLimit.max_cost, US dollars")),
    },
)

PERSON = Section(
    required=("email",),
    keys={
        "email": Text(longest=254, effect=Applied("User.email")),
        "name": Text(longest=128, effect=Applied("User.name")),
        "role": Text(may_be_empty=False, effect=Applied("User.role")),
        "allowed_mcps": reach("User.allowed_mcps: layers 5 and 6, reach and own rule"),
        "allowed_domains": _all_or_some("User.allowed_domains, told to the model"),
        "allowed_databases": _all_or_some("User.allowed_databases: layer 9, arguments"),
        "teams": ListOf(item=Text(may_be_empty=False), effect=Applied("User.teams")),
        "slack_user_id": Text(longest=32, effect=Applied("User.slack_user_id")),
        "slack_team_id": Text(longest=32, effect=Applied("User.slack_team_id")),
        "description": Text(effect=Applied("User.description")),
        "usage_limit": USAGE_LIMIT,
    },
)

DEFAULT_USER = Section(
    keys={
        "role": Text(may_be_empty=False, effect=Applied("the default user's role")),
        "allowed_mcps": reach("the default user's reach: layer 5"),
        "allowed_domains": _all_or_some("the default user's domains"),
        "allowed_databases": _all_or_some("the default user's databases: layer 9"),
    }
)

PERMISSIONS = (
    "can_bypass_tool_restrictions",
    "can_manage_users",
    "can_modify_config",
    "can_view_audit_logs",
    "can_execute_dangerous_tools",
    "can_access_all_databases",
    "can_promote_users",
    "can_approve_calls",
    "can_delete_data",
)


def right(name: str) -> Effect:
    """What becomes of one of a role's rights."""
    if name != "can_delete_data":
        return Applied(f"Role.{name}")
    return Stored(f"Role.{name}", "nothing of this version deletes data")


ROLE = Section(
    keys={
        "display_name": Text(longest=128, effect=Applied("Role.display_name")),
        "description": Text(effect=Applied("Role.description")),
        "color": Text(longest=32, effect=Applied("Role.color")),
        "permissions": Section(keys={name: Flag(effect=right(name)) for name in PERMISSIONS}),
        "allowed_mcp_tools": MapOf(
            key="SERVER", value=_NAMES, effect=Applied("Role.allowed_mcp_tools: layer 7, role")
        ),
        "allowed_tool_patterns": ListOf(
            item=_NAMES.item, effect=Applied("Role.allowed_tool_patterns: layer 7, role")
        ),
        "denied_tools": ListOf(
            item=_NAMES.item, effect=Applied("Role.denied_tools: layer 7, role")
        ),
        "rate_limit": Section(
            keys={
                "requests_per_hour": Whole(effect=Applied("Role.requests_per_hour; 0 is no limit")),
                "concurrent_requests": Whole(
                    effect=Applied("Role.concurrent_requests; 0 is no limit")
                ),
            }
        ),
        "usage_limit": USAGE_LIMIT,
    }
)

_NO_POSTS = "this version posts nothing to channels by itself"

TEAM = Section(
    keys={
        "name": Text(longest=128, effect=Applied("Team.name")),
        "description": Text(effect=Applied("Team.description")),
        "slack_channel": Text(longest=128, effect=Stored("Team.slack_channel", _NO_POSTS)),
        "notify_on_errors": Flag(effect=Stored("Team.notify_on_errors", _NO_POSTS)),
        "default_role": Text(
            may_be_empty=False, effect=Applied("Team.default_role, for members without a role")
        ),
    }
)

_ENTRY = Section(
    keys={"default_role": Text(may_be_empty=False), "require_approval": Flag()},
)

AUTO_PROVISIONING = Section(
    effect=Applied("ProvisioningRule, when enabled"),
    keys={
        "enabled": Flag(),
        "default_role": Text(may_be_empty=False),
        "require_approval": Flag(),
        "email_domain_mapping": MapOf(key="@DOMAIN", value=_ENTRY),
        "slack_team_mapping": MapOf(key="TEAM", value=_ENTRY),
        "notify_admins": Flag(effect=Applied("AlertRule newcomers: whoever is made")),
        "notification_channel": Text(effect=Ignored(_NO_POSTS)),
    },
)

SESSION = Section(
    keys={
        "timeout_minutes": Whole(least=1, effect=Variable("OMNI2_SESSION_TIMEOUT_MINUTES")),
        "max_concurrent_sessions": Whole(effect=Variable("OMNI2_SESSIONS_AT_ONCE")),
        "remember_me_days": Whole(effect=Variable("OMNI2_SESSION_REMEMBER_DAYS")),
        "storage": Text(effect=Ignored("browser sessions are kept in the database")),
    }
)

RESTRICTIONS = Section(
    keys={
        "max_failed_attempts": Whole(effect=Variable("OMNI2_LOGIN_MAX_FAILED_ATTEMPTS")),
        "lockout_duration_minutes": Whole(least=1, effect=Variable("OMNI2_LOGIN_LOCKOUT_MINUTES")),
        "max_blocked_actions_per_hour": Whole(
            effect=Variable("OMNI2_MAX_BLOCKED_ACTIONS_PER_HOUR")
        ),
        "auto_suspend_on_violations": Flag(effect=Variable("OMNI2_SUSPEND_ON_BLOCKED_ACTIONS")),
        "ip_whitelist_enabled": Flag(
            effect=Ignored("the list alone says it: OMNI2_ALLOWED_IPS, empty for everywhere")
        ),
        "allowed_ips": ListOf(item=Text(), effect=Variable("OMNI2_ALLOWED_IPS")),
    }
)

SUSPICIOUS = (
    "rapid_successive_requests",
    "after_hours_access",
    "blocked_tool_attempts",
    "unusual_database_access",
)

USER_AUDIT = Section(
    keys={
        "track_activity": Flag(effect=Ignored("questions and calls are always on the record")),
        "log_authentication": Flag(effect=Ignored("logins are always on the record")),
        "watch_users": ListOf(
            item=Text(may_be_empty=False, longest=120),
            effect=Applied("AlertRule: all that a person does, one rule for each"),
        ),
        "alert_on_suspicious_activity": Flag(
            effect=Applied("AlertRule.enabled of the suspicious patterns; alone: of all of them")
        ),
        "suspicious_patterns": ListOf(
            item=Text(choices=SUSPICIOUS), effect=Applied("AlertRule, one for each")
        ),
    }
)

PEOPLE = Section(
    keys={
        "default_user": DEFAULT_USER,
        "super_admins": ListOf(item=PERSON, effect=Applied("User.is_superuser and is_staff")),
        "users": ListOf(item=PERSON, effect=Applied("User")),
        "roles": MapOf(key="ROLE", value=ROLE, effect=Applied("Role")),
        "teams": MapOf(key="TEAM", value=TEAM, effect=Applied("Team")),
        "auto_provisioning": AUTO_PROVISIONING,
        "session": SESSION,
        "restrictions": RESTRICTIONS,
        "user_audit": USER_AUDIT,
    }
)
