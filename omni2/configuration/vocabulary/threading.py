"""threading.yaml: how Slack's threads become conversations. This version applies none of it."""

from omni2.configuration.shapes import (
    Data,
    Either,
    Flag,
    Ignored,
    MapOf,
    Section,
    Text,
    Variable,
    Whole,
)

_FIXED = "this version's Slack app always answers in a thread and does not let it be changed"
_CONTEXT = "a conversation is always continued with its last messages"
_PLAIN = "this version's Slack app writes the answer and the tools it rests on, and nothing else"

_CONTEXT_KEYS = {
    "enabled": Flag(effect=Ignored(_CONTEXT)),
    "max_messages": Whole(
        effect=Variable("OMNI2_CONTEXT_MESSAGES", note="it holds for every door alike")
    ),
}

THREADING = Section(
    keys={
        "threading": Section(
            keys={
                "enabled": Flag(effect=Ignored(_FIXED)),
                "behavior": Section(
                    effect=Ignored(_FIXED),
                    keys={
                        "always_use_threads": Flag(),
                        "continue_threads": Flag(),
                        "new_thread_per_conversation": Flag(),
                    },
                ),
                "context": Section(
                    keys=_CONTEXT_KEYS
                    | {
                        "send_to_llm": Flag(effect=Ignored(_CONTEXT)),
                        "format": Text(effect=Ignored(_CONTEXT)),
                    }
                ),
            }
        ),
        "direct_messages": Section(
            keys={
                "use_threads": Flag(effect=Ignored(_FIXED)),
                "context": Section(keys=_CONTEXT_KEYS),
            }
        ),
        # What stands in these two is not part of the vocabulary: any data, reported as a whole.
        "channel_overrides": MapOf(key="CHANNEL", value=Data(), effect=Ignored(_FIXED)),
        "user_info_display": Either(
            options=(Flag(), MapOf(key="PART", value=Data())), effect=Ignored(_PLAIN)
        ),
        "diagnostic_info": Section(
            effect=Ignored(_PLAIN),
            keys={
                name: Flag()
                for name in (
                    "show_iterations",
                    "show_tool_calls",
                    "show_mcp_choices",
                    "show_timing",
                    "show_tokens",
                )
            },
        ),
    }
)
