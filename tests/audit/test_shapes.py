"""What looks like a secret goes; what only talks about one stays."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.shapes import names_secret, redact_shapes

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.SflKxwRJSMeKKF2QT4fw"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
ESCAPED = '{\\"password\\": \\"hunter2\\", \\"rows\\": 3}'

# Text, the secret in it, and what is left.
SECRETS = [
    ("Authorization: Bearer abc.def-123", "abc.def-123", "Authorization: [redacted]"),
    ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "authorization: [redacted]"),
    ("{'Authorization': 'Token abc'}", "abc", "{'Authorization': '[redacted]'}"),
    ("[(b'authorization', b'secretive')]", "secretive", "[(b'authorization', b'[redacted]')]"),
    ('Authorization: Digest u="a", response="9f"', "9f", "Authorization: [redacted]"),
    ("sent Bearer a1b2c3d4e5 upstream", "a1b2c3d4e5", "sent Bearer [redacted] upstream"),
    ("curl -H 'basic dXNlcjpwYXNz'", "dXNlcjpwYXNz", "curl -H 'basic [redacted]'"),
    ("Cookie: sid=abc; theme=dark\nHost: x", "sid=abc", "Cookie: [redacted]\nHost: x"),
    ("Set-Cookie: sid=abc; HttpOnly", "sid=abc", "Set-Cookie: [redacted]"),
    ("key omni2_a1b2c3d4_" + "Zz9_" * 8, "Zz9_Zz9_", "key [redacted]"),
    ("xoxb-1234567890-abcdefghij", "1234567890", "[redacted]"),
    ("xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4", "Mi0yLTEyMzQ1Njc4", "[redacted]"),
    ("sk-ant-api03-AbCdEf123456789012", "AbCdEf123456789012", "[redacted]"),
    ("'sk-proj-AbCdEf123456789012'", "AbCdEf123456789012", "'[redacted]'"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE", "[redacted]"),
    ("ghp_" + "a1B2" * 9, "a1B2a1B2", "[redacted]"),
    ("AIza" + "a1B2" * 9, "a1B2a1B2", "[redacted]"),
    ("sk_live_" + "a1B2" * 6, "a1B2a1B2", "[redacted]"),
    ("https://hooks.slack.com/services/T0/B0/x1y2z3", "x1y2z3", "https://[redacted]"),
    (f"got {JWT} back", "eyJzdWIiOiIxMjM0NTYifQ", "got [redacted] back"),
    (f"before {PEM} after", "MIIEow", "before [redacted] after"),
    (PEM[:-10], "IBAAKC", "[redacted]"),
    (PEM.replace("\n", "\\n"), "IBAAKC", "[redacted]"),
    ("postgres://ada:pa@ss@db:5432/x", "pa@ss", "postgres://ada:[redacted]@db:5432/x"),
    ("password=hunter2&x=1", "hunter2", "password=[redacted]&x=1"),
    ("DB_PASSWORD = hunter2", "hunter2", "DB_PASSWORD = [redacted]"),
    ("password: hunter2 was wrong", "hunter2", "password: [redacted] was wrong"),
    ('{"password": "hun\\"ter2", "x": 1}', "ter2", '{"password": "[redacted]", "x": 1}'),
    (ESCAPED, "hunter2", ESCAPED.replace("hunter2", "[redacted]")),
    ("clientSecret: 'a b c'", "a b c", "clientSecret: '[redacted]'"),
    ("token:\nclientSecret: 'a b c'", "a b c", "token:\n[redacted]'"),
    ("password=\nDB_PASSWORD = hunter2", "hunter2", "password=\n[redacted]"),
    ("token: pwd: abcdef", "abcdef", "token: [redacted]"),
    (
        "https://x.example/?api_key=abcdef&y=1",
        "abcdef",
        "https://x.example/?api_key=[redacted]&y=1",
    ),
    ("x-api-key: abcdef", "abcdef", "x-api-key: [redacted]"),
    ("aws_secret_access_key=wJalrX/K7MD", "wJalrX/K7MD", "aws_secret_access_key=[redacted]"),
    ("AccountKey=abc123==;Endpoint=x", "abc123==", "AccountKey=[redacted];Endpoint=x"),
    ("access_token=ab12cd34", "ab12cd34", "access_token=[redacted]"),
]
HARMLESS = [
    "token count: 5",
    "tokens: 12",
    "the token: 5",
    "max_tokens=4096",
    "next_page_token=abcdef123456",
    "nextPageToken: abcdef123456",
    "password is required",
    "The password policy: twelve letters",
    "password reset token sent",
    "secret: none",
    "cookie: chocolate",
    "Authorization failed for ada",
    "authorization, granted today",
    "Basic understanding of bearer authentication",
    "task-list-of-2024-january-report",
    "risk-assessment-2024-final-version",
    "monkey: banana, keyboard: qwerty, key: value",
    "http://localhost:8000/a@b",
    "mailto ada@example.com at 10:30",
    "eyJust a word",
    "select token from tokens where id = 7",
    "basic_1234 and bearer",
]
HOSTILE = [
    *("a", " ", '"', "\\", "é", "-", "s", "p", "gh"),
    *("sk-", "sk-a", "eyJ", "eyJa.", "://a:", "://a:b@", "AKIA", "xoxb-", "xoxe.", "omni2_abcd_"),
    *("ghp_", "github_pat_", "SG.", "SG." + "a" * 20 + ".", "hooks.slack.com/services/", "npm_"),
    *(
        "password=",
        "token:\n",
        'password="',
        "password:'",
        'password\\":\\"',
        'password="\\',
        "password\n",
    ),
    *(
        "token: ",
        "token\\\\\\\\",
        "secret => ",
        "api-api_key",
        "bearer ",
        "Basic ",
        "basic QUJDREVG",
    ),
    *("authorization: ", "authorization", "authorization:", "authorization: digest "),
    *("cookie:", "cookie: =", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----"),
    "-----BEGIN PRIVATE KEY----- -----END ",
]


@pytest.mark.parametrize(("text", "secret", "left"), SECRETS)
def test_a_secret_is_taken_out(text: str, secret: str, left: str) -> None:
    assert secret in text, "this row could not leak"
    assert redact_shapes(text) == left
    assert secret not in left


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_talks_of_secrets_stays(text: str) -> None:
    assert redact_shapes(text) == text


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_is_searched_in_linear_time(piece: str) -> None:
    short, long = (piece * 200_000)[:25_000], (piece * 200_000)[:200_000]
    # Eight times the text: about eight times as long, where a quadratic search would take 64.
    assert _milliseconds(long) < 24 * max(_milliseconds(short), 0.5)


def _milliseconds(text: str) -> float:
    """The quickest of five, by this thread's own time: others of the process may be at work."""
    times = []
    for _ in range(5):
        started = time.thread_time()
        redact_shapes(text)
        times.append(time.thread_time() - started)
    return min(times) * 1000


AROUND = st.lists(st.sampled_from([*HARMLESS, *HOSTILE, "x", '"']), max_size=4).map("".join)


@settings(max_examples=60, deadline=None)
@given(AROUND, st.sampled_from(SECRETS), AROUND)
def test_no_neighbour_saves_a_secret(before: str, row: tuple[str, str, str], after: str) -> None:
    text, secret, _ = row
    safe = redact_shapes(f"{before}\n{text}\n{after}")
    assert safe.count(secret) <= before.count(secret) + after.count(secret)


@pytest.mark.parametrize(
    "key",
    [
        *("password", "DB_PASSWORD", "dbPassword", "passwd", "pwd", "passphrase"),
        *("secret", "client_secret", "clientSecret", "SecretString", "secrets"),
        *("token", "access_token", "accessToken", "x-auth-token", "token_value", "refresh_tokens"),
        *("api_key", "apiKey", "X-Api-Key", "APIKEY", "api_keys", "private_key", "AccessKey"),
        *("Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "credentials"),
        "password_hash",
    ],
)
def test_a_key_that_announces_a_secret(key: str) -> None:
    assert names_secret(key) is True


@pytest.mark.parametrize(
    "key",
    [
        *("tokens", "max_tokens", "token_count", "input_tokens", "tokenizer", "token_type"),
        *("page_token", "nextPageToken", "continuationToken", "cursor_token"),
        *("password_policy", "secret_name", "secretary", "cookie_banner", "key", "primary_key"),
        *("keyboard", "monkey", "author", "authorized", "name", "", "1", "ключ"),
    ],
)
def test_a_key_that_does_not(key: str) -> None:
    assert names_secret(key) is False
