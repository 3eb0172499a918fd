"""`usage_limit`, which a person and a role write alike."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def read_usage_limit(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The columns of a UsageLimit; None where the file says none."""
    if said is None:
        return None
    cost = said.get("max_cost")
    return {
        "period_days": said.get("period_days", 30),
        "max_requests": said.get("max_requests"),
        "max_tokens": said.get("max_tokens"),
        "max_cost": None if cost is None else Decimal(str(cost)).quantize(Decimal("0.0001")),
    }
