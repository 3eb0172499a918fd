"""What secrets look like: well-known tokens in texts, and keys that announce a secret.

Every pattern either consumes what it has scanned or gives up after a bounded number of characters,
so that a text of any shape is searched in linear time. What needs a second look (a JWT has two long
parts, a key name is not followed by prose) is judged in the replacement, after the match.
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache

REDACTED = "[redacted]"

# What a word at the end of a key means: `db_password`, `accessToken`, `X-Api-Key`.
SECRET_WORDS = frozenset(
    {"password", "passwords", "passwd", "passphrase", "pwd", "passcode", "secret", "secrets"}
    | {"token", "authorization", "cookie", "cookies", "credential", "credentials"}
    | {"apikey", "secretkey", "accesskey", "privatekey"}
)
_KEYS = ("api", "secret", "access", "private", "signing", "encryption", "auth", "master")
SECRET_PAIRS = frozenset(
    {(kind, "key") for kind in _KEYS}
    | {("access", "tokens"), ("refresh", "tokens"), ("api", "keys"), ("secret", "keys")}
)
# What may follow without changing that: `password_hash`, `SecretString`.
TRAILING_WORDS = frozenset({"value", "string", "text", "hash", "plain", "raw"})
# A token of these is a place in a list: `nextPageToken`.
PAGING_WORDS = ("page", "continuation", "pagination", "cursor", "sync", "next")
LONGEST_KEY = 200

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether a key of this name holds a secret: `client_secret` does, `max_tokens` does not."""
    words = [word.lower() for word in _WORD.findall(key[-LONGEST_KEY:])]
    while len(words) > 1 and words[-1] in TRAILING_WORDS:
        words.pop()
    if not words:
        return False
    if words[-1] == "token" and len(words) > 1 and words[-2] in PAGING_WORDS:
        return False
    return words[-1] in SECRET_WORDS or tuple(words[-2:]) in SECRET_PAIRS


# --- Tokens that anybody recognises ---------------------------------------------------------------
# Each with the literal that a text must hold, in lower case, before it is searched at all.
_KNOWN = {
    "omni2_": r"omni2_[A-Za-z0-9]{4,32}_[A-Za-z0-9_-]{16,}+",
    "xox": r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}+",
    "xapp-": r"xapp-[A-Za-z0-9-]{10,}+",
    "akia": r"AKIA[A-Z0-9]{16}",
    "asia": r"ASIA[A-Z0-9]{16}",
    "gh": r"gh[pousr]_[A-Za-z0-9]{20,}+",
    "github_pat_": r"github_pat_[A-Za-z0-9_]{20,}+",
    "glpat-": r"glpat-[A-Za-z0-9_-]{16,}+",
    "aiza": r"AIza[A-Za-z0-9_-]{30,}+",
    "ya29.": r"ya29\.[A-Za-z0-9_-]{20,}+",
    "sk_": r"sk_(?:live|test)_[A-Za-z0-9]{16,}+",
    "rk_": r"rk_(?:live|test)_[A-Za-z0-9]{16,}+",
    "whsec_": r"whsec_[A-Za-z0-9+/=]{16,}+",
    "sg.": r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}+",
    "npm_": r"npm_[A-Za-z0-9]{24,}+",
    "hf_": r"hf_[A-Za-z0-9]{24,}+",
    "pypi-": r"pypi-[A-Za-z0-9_-]{24,}+",
    "hooks.slack.com/": r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}+",
}
_SK_KEY = re.compile(r"sk-[A-Za-z0-9_-]{16,}+")
_JWT = re.compile(r"eyJ[A-Za-z0-9_.=-]{16,}+")
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|.*+)",
    re.DOTALL,
)


def _sk_key(match: re.Match[str]) -> str:
    """`sk-…` with a digit, and not the end of a word: `task-list-of-2024` stays."""
    before = match.string[match.start() - 1 : match.start()]
    text = match.group()
    plain = before.isalnum() or not any(character.isdigit() for character in text)
    return text if plain else REDACTED


def _jwt(match: re.Match[str]) -> str:
    parts = match.group().split(".")
    return REDACTED if len(parts) > 1 and len(parts[0]) > 9 and len(parts[1]) > 5 else match.group()


# --- Headers and addresses ------------------------------------------------------------------------
_HEADER = re.compile(
    r"(?i:(authorization(?:\\{0,4}[\"'])?[ \t]{0,4}(?:[:=]|(?<=[\"']),)[ \t]{0,4}"
    r"(?:b(?=[\"']))?(?:\\{0,4}[\"'])?)"
    r"(?:(?:bearer|basic|token|negotiate|apikey)[ \t]{1,4}[^\s\"'\\,;]++"
    r"|(?:digest|aws4-hmac-sha256)[^\r\n]++"
    r"|[^\s\"'\\,;]++))"
)
_COOKIE = re.compile(
    r"(?i:(cookie)((?:\\{0,4}[\"'])?[ \t]{0,4}:[ \t]{0,4}(?:\\{0,4}[\"'])?))([^\r\n\"'\\]++)"
)
_SCHEME = re.compile(r"(?i:(bearer|basic))([ \t]{1,4})([A-Za-z0-9._~+/=-]{8,}+)")
_AUTHORITY = re.compile(r"://([^\s/\"'<>\\]++)")


def _cookie(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{REDACTED}" if "=" in match[3] else match.group()


def _scheme(match: re.Match[str]) -> str:
    """`Bearer x` with an x that is no word of prose, `Basic x` where x holds a colon in base64."""
    token = match[3]
    if match[1].lower() == "bearer":
        secret = len(token) >= 20 or any(not character.isalpha() for character in token.rstrip("."))
    else:
        secret = _holds_colon(token)
    return f"{match[1]}{match[2]}{REDACTED}" if secret else match.group()


def _holds_colon(token: str) -> bool:
    try:
        return b":" in base64.b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return False


def _authority(match: re.Match[str]) -> str:
    """The password of `user:password@host`; a host with a port has no `@`."""
    user, at, host = match[1].rpartition("@")
    name, colon, password = user.partition(":")
    return f"://{name}:{REDACTED}@{host}" if at and colon and password else match.group()


# --- `password = x` in running text ---------------------------------------------------------------
_NAMES = (
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api[_-]?key",
    "access[_-]?key",
    "secret[_-]?key",
    "private[_-]?key",
    "account[_-]?key",
)
# Both cases of the first letter are spelled out: only then can the engine skip to it.
_NAME = "|".join(
    f"{first}(?i:{name[1:]})" for name in _NAMES for first in (name[0], name[0].upper())
)
_ASSIGNMENT = re.compile(
    rf"({_NAME})"
    r"((?:\\{0,4}[\"'])?[ \t]{0,4}(?::|=>?)[ \t\r\n]{0,8})"
    r"(?:(?P<escaped>\\{1,4}\")(?P<inner>(?:[^\"\\\r\n]++|\\++[^\"\\])*+)"
    r"|\"(?P<double>(?:[^\"\\\r\n]++|\\.)*+)"
    r"|'(?P<single>(?:[^'\\\r\n]++|\\.)*+)"
    r"|(?P<bare>[^\s\"'&;,<>(){}\[\]\\]++"
    # What ends like a name takes the value that follows with it: either may be the secret.
    r"(?P<more>(?:(?:(?<=[:=])|[ \t]{1,4}(?::|=>?))[ \t\r\n]{0,8}"
    r"(?:\"(?:[^\"\\\r\n]++|\\.)*+|'(?:[^'\\\r\n]++|\\.)*+|[^\s\"'&;,<>(){}\[\]\\]++))*+)))"
)
_NOTHING = frozenset({"none", "null", "true", "false"})
_COUNT = re.compile(r"\d{1,9}[.)]?")
_PAGING = tuple(word + mark for word in PAGING_WORDS for mark in ("", "_", "-"))


def _assignment(match: re.Match[str]) -> str:
    """Keep the name, take the value; a number of tokens, a page token and short prose stay."""
    group = match.lastgroup or ""
    value, whole = match[group], match.group()
    if not match["more"] and _says_nothing(match, value, is_bare=group == "bare"):
        return whole
    return whole[: match.start(group) - match.start()] + REDACTED


def _says_nothing(match: re.Match[str], value: str, *, is_bare: bool) -> bool:
    is_token = match.group()[0] in "tT"
    if not value or (is_bare and _prose(value, is_token=is_token)):
        return True
    return is_token and _is_page_token(match.string, match.start())


def _is_page_token(text: str, at: int) -> bool:
    """Whether the token that begins there is `page_token` or one of its kind."""
    if text[at - 1 : at].isspace():
        return False
    return text[max(at - 14, 0) : at].lower().endswith(_PAGING)


def _prose(value: str, *, is_token: bool) -> bool:
    if len(value) < 4 or value.lower() in _NOTHING:
        return True
    if not is_token:
        return False
    return _COUNT.fullmatch(value) is not None if value[0].isdigit() else _word(value)


def _word(value: str) -> bool:
    return len(value) < 16 and value.isalpha()


_RULES: tuple[
    tuple[tuple[str, ...], re.Pattern[str], str | Callable[[re.Match[str]], str]], ...
] = (
    (("-----begin",), _PEM, REDACTED),
    *(((hint,), re.compile(pattern), REDACTED) for hint, pattern in _KNOWN.items()),
    (("sk-",), _SK_KEY, _sk_key),
    (("eyj",), _JWT, _jwt),
    (("://",), _AUTHORITY, _authority),
    (("authorization",), _HEADER, rf"\1{REDACTED}"),
    (("cookie",), _COOKIE, _cookie),
    (("bearer", "basic"), _SCHEME, _scheme),
    (("pass", "pwd", "secret", "token", "key"), _ASSIGNMENT, _assignment),
)


def redact_shapes(text: str) -> str:
    """The text without whatever looks like a secret."""
    if len(text) < 6:
        return text
    lowered = text.lower()
    for hints, pattern, replacement in _RULES:
        for hint in hints:
            if hint in lowered:
                text = pattern.sub(replacement, text)
                break
    return text
