"""One JSON object a line on stderr, with every secret we know of taken out."""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from audit import redact


def _redacted(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    # Whole, not value by value: a key may announce a secret.
    safe: Any = redact.redact(event)
    return safe


def json_formatter() -> logging.Formatter:
    """The formatter of `LOGGING`: JSON lines, control characters escaped, secrets redacted."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
