"""Remembered secrets are found however they are spelled; structures keep their shape."""

import base64
import html
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import redact
from audit.redact import redact_text

SECRET = 'pä$s/w+or d"<1>'


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    redact.remember(SECRET)
    yield
    redact.forget(SECRET)


SPELLINGS = {
    "plain": SECRET,
    "in JSON": json.dumps(SECRET)[1:-1],
    "in JSON that is not ASCII": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "in HTML": html.escape(SECRET),
    "in a path": quote(SECRET),
    "in a URL": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "in a URL, lower case": "p%c3%a4%24s%2fw%2bor%20d%22%3c1%3e",
    "as hexadecimal": SECRET.encode().hex(),
    "with NUL inside": SECRET[:4] + "\0" + SECRET[4:],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_remembered_secret_is_found(spelling: str) -> None:
    assert redact_text(f"<{SPELLINGS[spelling]}>") == "<[redacted]>"


def test_what_is_passed_on_loses_what_is_known_and_keeps_what_only_looks_like_a_secret() -> None:
    said = {SECRET: [SECRET, {"password": "of the caller", "n": 1.0}], "none": None}
    kept = {"[redacted]": ["[redacted]", {"password": "of the caller", "n": 1.0}], "none": None}

    assert redact.redact_known(said) == kept
    assert type(redact.redact_known(1.0)) is float


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "user-7:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_found_in_base64_wherever_it_begins(before: str, encode: object) -> None:
    text = encode((before + SECRET).encode()).decode()
    safe = redact_text(f"x {text} x")
    assert "[redacted]" in safe
    hidden = base64.b64encode(SECRET.encode()).decode()[4:-4]
    assert hidden not in safe
    assert len(safe) < len(text)


def test_a_short_secret_is_not_remembered() -> None:
    redact.remember("five5")
    assert redact_text("five5 words") == "five5 words"


def test_a_forgotten_secret_is_a_word_again() -> None:
    redact.remember("correct horse")
    assert redact_text("correct horse") == "[redacted]"
    redact.forget("correct horse")
    assert redact_text("correct horse") == "correct horse"


def test_of_two_secrets_the_longer_is_taken_whole() -> None:
    for secret in ("battery", "battery staple"):
        redact.remember(secret)
    assert redact_text("battery staple, battery") == "[redacted], [redacted]"
    for secret in ("battery", "battery staple"):
        redact.forget(secret)


def test_a_number_that_is_a_secret() -> None:
    redact.remember("73519264")
    assert redact.redact({"a": 73519264, "b": [7351926]}) == {"a": "[redacted]", "b": [7351926]}
    redact.forget("73519264")


def test_a_secret_as_a_key() -> None:
    assert redact.redact({SECRET: 1, f"{SECRET} ": 2, "[redacted]": 3}) == {
        "[redacted]": 1,
        "[redacted] ": 2,
        "[redacted] 2": 3,
    }


# A value, and what is left of it.
VALUES = [
    ({"tokens": 12, "token": "abc"}, {"tokens": 12, "token": "[redacted]"}),
    ({"password": 123456}, {"password": "[redacted]"}),
    ({"password": None, "secret": True}, {"password": None, "secret": True}),
    ({"password": ""}, {"password": ""}),
    ({"credentials": {"user": "a", "x": ["b"]}},)
    + ({"credentials": {"user": "[redacted]", "x": ["[redacted]"]}},),
    ({"env": [{"name": "DB_PASSWORD", "value": "x y"}]},)
    + ({"env": [{"name": "DB_PASSWORD", "value": "[redacted]"}]},),
    ({"env": [{"name": "HOME", "value": "/root"}]},) * 2,
    ({"properties": {"password": {"type": "string", "title": "Yours"}}},) * 2,
    ({"text": '{"password": "hunter2"}'}, {"text": '{"password": "[redacted]"}'}),
    ({1: (1, 2), "b": b"abc"}, {"1": [1, 2], "b": "abc"}),
    ([UUID(int=7), datetime(2026, 3, 1, tzinfo=UTC), Decimal("1.50")],)
    + (["00000000-0000-0000-0000-000000000007", "2026-03-01 00:00:00+00:00", "1.50"],),
    ([1.0, 0.1, -0.0, 1e16, float("nan"), float("inf")],) + ([1, 0.1, 0, 10**16, "nan", "inf"],),
    ([2**600, 1e300], ["[601 bit number]", "[997 bit number]"]),
    ("half \ud83d of it", "half \ufffd of it"),
    ("a\0b\x1b[31m", "ab\x1b[31m"),
]


@pytest.mark.parametrize(("value", "left"), VALUES)
def test_a_structure_is_redacted(value: object, left: object) -> None:
    safe = redact.redact(value)
    assert json.dumps(safe) == json.dumps(left)


def test_what_is_too_deep_is_left_out() -> None:
    value: object = SECRET
    for _ in range(100_000):
        value = [value]
    safe = redact.redact(value)
    text = json.dumps(safe)
    assert text == "[" * 65 + '"[too deep]"' + "]" * 65


def test_what_is_too_much_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "MAX_NODES", 6)
    assert redact.redact([["x"] * 3] * 4) == [["x"] * 3, ["[too much]"]]
    assert redact.redact({"a": ["x"] * 9, "b": 1}) == {"a": [*["x"] * 4, "[too much]"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None)
@given(JSON)
def test_whatever_comes_can_be_stored_and_comes_back(value: object) -> None:
    safe = redact.redact(value)
    text = json.dumps(safe, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\0" not in text
    assert json.loads(text) == safe


@settings(max_examples=80, deadline=None)
@given(JSON, st.sampled_from(list(SPELLINGS.values())))
def test_a_planted_secret_is_never_left(value: object, spelling: str) -> None:
    planted = {"value": value, "text": f"é {spelling} .", "list": [{spelling: spelling}]}
    assert SECRET not in json.dumps(redact.redact(planted), ensure_ascii=False)
    assert json.dumps(SECRET)[1:-1] not in json.dumps(redact.redact(planted))


def test_many_secrets_and_a_long_text_take_little_time() -> None:
    secrets = [f"Secret number {number}/{number * 7919}" for number in range(50)]
    for secret in secrets:
        redact.remember(secret)
    text = "Secret number is not a secret. " * 6500
    started = time.process_time()
    redact_text(text)
    taken = time.process_time() - started
    for secret in secrets:
        redact.forget(secret)
    assert taken < 0.25


def test_threads_remember_and_redact_at_once() -> None:
    leaks: list[str] = []

    def work(number: int) -> None:
        for step in range(20):
            secret = f"thread {number} secret {step}"
            redact.remember(secret)
            leaks.extend(
                text for text in [redact_text(f"a {secret} b")] if text != "a [redacted] b"
            )
            redact.forget(secret)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leaks == []


def test_a_text_that_was_clean_is_looked_at_again_once_a_secret_is_known() -> None:
    text = "the word is horse-battery"
    assert [redact_text(text), redact_text(text)] == [text, text]
    redact.remember("horse-battery")
    assert redact_text(text) == "the word is [redacted]"
    redact.forget("horse-battery")
    assert redact_text(text) == text


def test_no_more_texts_are_known_to_be_clean_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "CLEAN_TEXTS", 3)
    for number in range(10):
        redact_text(f"text {number}")
    redact_text("long " * 100)
    redact_text("password = hunter22")
    assert set(redact._clean) <= {f"text {number}" for number in range(10)}
    assert len(redact._clean) <= 3
