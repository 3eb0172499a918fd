"""slack.yaml: the Slack app. Its secrets belong to the environment; this version fixes the rest."""

from omni2.configuration.shapes import (
    Applied,
    Data,
    Either,
    Flag,
    Ignored,
    ListOf,
    MapOf,
    Number,
    Section,
    Shape,
    Text,
    Variable,
    Whole,
)

_TEXTS = ListOf(item=Text())


def _flags(*names: str) -> dict[str, Shape]:
    return {name: Flag() for name in names}


_NOT_READ = "this version's Slack app does not let it be changed"
_ONE_COMMAND = "this version's Slack app answers /omni and no other command"
_NO_POSTS = "this version posts nothing to channels by itself"
_WORKSPACE = "the app answers in the workspace whose signing secret the deployment holds"
_EVERYWHERE = "this version answers in every channel that Slack sends a command from"
_WORDS = "the words of this version's answers are fixed"
_NO_BUTTONS = "this version's messages have no buttons or menus"
_NO_MENTIONS = "this version does not listen to mentions or direct messages"

SLACK_APP = Section(
    keys={
        "bot_token": Text(effect=Variable("SLACK_BOT_TOKEN", secret=True)),
        "app_token": Text(effect=Ignored("this version has no Socket Mode: Slack calls it")),
        "signing_secret": Text(effect=Variable("SLACK_SIGNING_SECRET", secret=True)),
        "socket_mode": Flag(effect=Ignored("this version has no Socket Mode: Slack calls it")),
        "port": Whole(effect=Ignored("Slack's requests come through the port of the web server")),
        "bot_name": Text(effect=Ignored("it is set in the settings of the app at Slack")),
        "bot_icon": Text(effect=Ignored("it is set in the settings of the app at Slack")),
        "workspace_id": Text(
            longest=32,
            effect=Applied("User.slack_team_id of people who have a slack_user_id and no other"),
        ),
    }
)

COMMAND = Section(
    effect=Ignored(_ONE_COMMAND),
    keys={
        "name": Text(),
        "command": Text(),
        "description": Text(),
        "usage_hint": Text(),
        "enabled": Flag(),
        "required_role": Text(),
        "examples": _TEXTS,
    },
)

BEHAVIOR = Section(
    effect=Ignored(_NOT_READ),
    keys={
        "response_style": Text(),
        **_flags("use_emoji", "show_typing"),
        "immediate_ack": Flag(effect=Ignored("a command is always acknowledged at once")),
        "ack_message": Text(effect=Ignored(_WORDS)),
        "query_timeout_seconds": Number(
            above=True,
            effect=Variable("OMNI2_QUESTION_TIMEOUT_SECONDS", note="it holds for every door alike"),
        ),
        "timeout_message": Text(effect=Ignored(_WORDS)),
        "max_retries": Whole(),
        "retry_delay_seconds": Number(),
        "friendly_errors": Flag(effect=Ignored("errors are always written for the person")),
        "include_error_id": Flag(effect=Ignored("an unexpected error always shows its id")),
    },
)


def _events(*names: str) -> Shape:
    # Written as a list of names, or as a mapping of name to true or false.
    named = Section(keys=_flags(*names))
    return Either(options=(ListOf(item=Text(choices=names)), named))


CHANNELS = Section(
    effect=Ignored(_NO_POSTS),
    keys={
        "notifications": Section(
            keys={
                "channel": Text(),
                "events": _events("mcp_down", "high_error_rate", "new_user_registered"),
            }
        ),
        "admin_alerts": Section(
            keys={
                "channel": Text(
                    effect=Variable(
                        "OMNI2_SLACK_ALERT_CHANNEL", note="the channel's id, and not its name"
                    )
                ),
                "events": _events(
                    "suspicious_activity",
                    "blocked_action_attempt",
                    "config_reload",
                    "user_promoted",
                ),
            }
        ),
        "error_logs": Section(keys={"channel": Text(), "minimum_severity": Text()}),
        # What stands in it is not part of the vocabulary.
        "audit_trail": MapOf(key="KEY", value=Data()),
    },
)

ALLOWED_CHANNELS = Section(
    effect=Ignored(_EVERYWHERE),
    keys={
        "mode": Text(choices=("whitelist", "blacklist", "any")),
        "whitelist": _TEXTS,
        "blacklist": _TEXTS,
        **_flags("allow_direct_messages", "allow_private_channels"),
    },
)

FORMATTING = Section(
    effect=Ignored(_NOT_READ),
    keys={
        **_flags("use_blocks", "use_threads", "truncate_message"),
        "thread_threshold_lines": Whole(),
        "code_block_style": Text(),
        "table_format": Text(),
        "max_table_rows": Whole(),
        "max_message_length": Whole(),
    },
)

TEMPLATES = Section(
    effect=Ignored(_WORDS),
    keys={
        name: Text()
        for name in (
            "welcome",
            "query_success",
            "query_error",
            "permission_denied",
            "rate_limit",
            "mcp_unavailable",
            "help",
            "status",
        )
    },
)

INTERACTIVE = Section(
    effect=Ignored(_NO_BUTTONS),
    keys={
        **_flags("use_buttons", "use_select_menus"),
        # A button's own keys are not part of the vocabulary.
        "buttons": ListOf(item=Data()),
        "require_confirmation": Section(
            effect=Ignored("confirmation is a rule of mcps.yaml: require_confirmation.actions"),
            keys={"enabled": Flag(), "actions": _TEXTS},
        ),
    },
)

MENTIONS = Section(
    effect=Ignored(_NO_MENTIONS),
    keys={
        **_flags("respond_to_mentions", "respond_to_dm_without_command", "respond_to_name"),
        "dm_default_command": Text(),
        "name_triggers": _TEXTS,
        "reaction_triggers": Section(keys={"enabled": Flag(), "reactions": ListOf(item=Data())}),
    },
)

SECURITY = Section(
    keys={
        "verify_signatures": Flag(effect=Ignored("signatures are always verified")),
        "workspace_restriction": Section(
            effect=Ignored(_WORKSPACE),
            keys={"enabled": Flag(), "allowed_workspaces": _TEXTS},
        ),
        "block_bot_users": Flag(effect=Ignored("bots are never answered")),
        "slack_rate_limit": Section(
            effect=Ignored("limits are those of the person's role, the same at every door"),
            keys={"requests_per_minute": Whole(), "burst": Whole()},
        ),
        "enforce_channel_restrictions": Flag(effect=Ignored(_EVERYWHERE)),
    }
)

_SCHEDULE = Section(
    keys={name: Text() for name in ("cron", "channel", "message", "command")},
)
ADVANCED = Section(
    keys={
        "scheduled_messages": Section(
            effect=Ignored(_NO_POSTS),
            keys={"enabled": Flag(), "schedules": ListOf(item=_SCHEDULE)},
        ),
        "auto_responses": Section(
            effect=Ignored("this version answers questions and nothing else"),
            # A pattern's own keys are not part of the vocabulary.
            keys={"patterns": ListOf(item=Data())},
        ),
        "conversation_mode": Section(
            keys={
                "enabled": Flag(effect=Ignored(_NOT_READ)),
                "context_memory": Data(
                    effect=Ignored("OMNI2_CONTEXT_MESSAGES says how many messages are kept")
                ),
                "clarification_questions": Flag(effect=Ignored("the model asks back by itself")),
            },
        ),
    }
)

SLACK = Section(
    keys={
        "slack": SLACK_APP,
        "commands": ListOf(item=COMMAND, effect=Ignored(_ONE_COMMAND)),
        "behavior": BEHAVIOR,
        "channels": CHANNELS,
        "allowed_channels": ALLOWED_CHANNELS,
        "formatting": FORMATTING,
        "templates": TEMPLATES,
        "interactive": INTERACTIVE,
        "mentions": MENTIONS,
        "security": SECURITY,
        "advanced": ADVANCED,
    }
)
