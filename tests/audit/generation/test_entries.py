"""What made-up entries say."""

import random

from audit.generation import entries


def test_both_of_a_pair_name_the_same_tool_and_arguments() -> None:
    way = entries.calls("crm_mcp", "get_orders", chance=random.Random(0))
    columns = ("server", "tool", "fingerprint", "arguments_digest", "effect", "rule")

    calling, done = (
        [getattr(way[kind].entry, name) for name in columns] for kind in ("calling", "done")
    )
    assert calling == done
    assert {kind: (one.entry.kind, one.entry.outcome) for kind, one in way.items()} == {
        "calling": ("call.calling", "pending"),
        "done": ("call.called", "ok"),
        "failed": ("call.called", "failed"),
        "unknown": ("call.called", "unknown"),
        "refused": ("call.refused", "refused"),
        "asked": ("approval.asked", "pending"),
        "given": ("approval.given", "ok"),
    }


def test_only_a_failed_end_names_an_error() -> None:
    assert [entries.ended(outcome).entry.error_code for outcome in ("ok", "failed")] == [
        "",
        "model_failed",
    ]
