"""One JSON object a line, whatever is written, and no secret in it (T-23, T-38)."""

import json
import logging

import pytest

from audit import redact
from omni2.logs import json_formatter

SECRET = "hX7-upstream-credential-31"


@pytest.fixture
def secret():
    redact.remember(SECRET)
    yield SECRET
    redact.forget(SECRET)


def line(message, *args, error=None, **extra):
    """What stands in the log for this, as it is written."""
    caught = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("gateway.tests").makeRecord(
        "gateway.tests", logging.WARNING, "file.py", 1, message, args, caught, extra=extra
    )
    return json_formatter().format(record)


def raised(text):
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_line_says_when_who_how_bad_and_what():
    entry = json.loads(line("question %s failed", 7, error_id="abc"))

    timestamp = entry.pop("timestamp")
    assert timestamp.endswith("Z")
    assert entry == {
        "event": "question 7 failed",
        "logger": "gateway.tests",
        "level": "warning",
        "error_id": "abc",
    }


HOSTILE = [
    "two\nlines",
    'a", "level": "info", "event": "forged',
    '\n{"event": "forged"}\n',
    "\r\x00\x08\x1b[2J\x7f\x85\u2028\u2029",
    "half \ud800 a character",
    "%s %d %(name)s",
    "{event!r} {0.__class__}",
    "\u202egnp.exe",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_one_object_on_one_line(text):
    for written in (line("said: %s", text), line(text), line("said", said=text, more=[{text: 1}])):
        assert len(written.splitlines()) == 1
        assert written.isascii() and written.isprintable()
        assert json.loads(written)["level"] == "warning"


def test_a_traceback_is_on_the_same_line():
    entry = json.loads(line("failed", error=raised("bad\nvalue")))

    assert entry["exception"].startswith("Traceback (most recent call last):\n")
    assert entry["exception"].endswith("ValueError: bad\nvalue")


@pytest.mark.parametrize(
    "write",
    [
        lambda text: line(text),
        lambda text: line("said %s", text),
        lambda text: line("said", said=text),
        lambda text: line("said", said={"deep": [text]}),
        lambda text: line("said", said={text: 1}),
        lambda text: line("said", said=raised(text)),
        lambda text: line("failed", error=raised(text)),
    ],
    ids=["message", "argument", "extra", "deep", "key", "object", "traceback"],
)
def test_a_known_secret_is_in_no_part_of_a_line(write, secret):
    assert "not-the-credential" in write("not-the-credential"), "the test could not fail"
    assert secret not in write(f"before {secret} after")


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        ({"api_key": "q"}, "[redacted]"),
        ({"password": "hunter22"}, "[redacted]"),
        ({"headers": {"Authorization": "Bearer q"}}, {"Authorization": "[redacted]"}),
        ({"key": "ghp_" + 9 * "a1B2"}, "[redacted]"),
        ({"tokens": 12}, 12),
        ({"number": float("inf")}, "inf"),
        ({"kind": object}, "<class 'object'>"),
    ],
)
def test_what_announces_or_looks_like_a_secret_is_none_in_a_line(extra, shown):
    [name] = extra

    assert json.loads(line("said", **extra))[name] == shown


def test_the_settings_write_like_this(settings):
    assert settings.LOGGING["formatters"]["json"] == {"()": "omni2.logs.json_formatter"}
    assert settings.LOGGING["root"]["handlers"] == ["stderr"]
    assert {one["formatter"] for one in settings.LOGGING["handlers"].values()} == {"json"}
