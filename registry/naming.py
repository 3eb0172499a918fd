"""Names of servers and tools: which are taken, and what a model calls a tool.

A name is looked up exactly as it is. Nothing here turns a strange name into a known one: a name
that could be mistaken for another is refused, and what a model sees is stored, never parsed back.
"""

import hashlib
import re
import unicodedata

SERVER_NAME_LENGTH = 32
TOOL_NAME_LENGTH = 128
QUALIFIED_NAME_LENGTH = 64
# Long enough that two names of one server with one digest are not found by trying.
DIGEST_LENGTH = 16

# Servers that the gateway itself is, or will be, to a model.
RESERVED_SERVERS = frozenset({"omni2", "gateway"})
# Tools that the gateway itself offers. An upstream tool of such a name would speak in its voice.
RESERVED_TOOLS = frozenset(
    {
        "approve_request",
        "ask_person",
        "call_tool",
        "cancel_question",
        "find_tools",
        "list_tools",
        "read_result",
        "submit_approval",
    }
)

_SERVER = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
# No blanks, quotes or backslashes, and nothing that means something in a policy's patterns.
_TOOL = re.compile(r"[A-Za-z0-9_.:/@+~-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_ENDS_LIKE_DIGEST = re.compile(rf"_[0-9a-f]{{{DIGEST_LENGTH}}}")


def check_server_name(name: object) -> str | None:
    """Why `name` cannot be a server's name, or None when it can.

    The form leaves no two servers whose tools could share a qualified name: no `__` within, no `_`
    at either end, one case only.
    """
    if not isinstance(name, str) or not name:
        return "a server needs a name"
    if len(name) > SERVER_NAME_LENGTH:
        return f"a server's name has at most {SERVER_NAME_LENGTH} characters, this has {len(name)}"
    if not _SERVER.fullmatch(name):
        return (
            f"{ascii(name)} is not a server's name: lower-case letters and digits, "
            "with single hyphens or underscores between them"
        )
    if name in RESERVED_SERVERS or re.match(r"omni2[_-]", name):
        return f"{name} is reserved for the gateway's own tools"
    return None


def check_tool_name(name: object) -> str | None:
    """Why a tool of this name is set aside, or None when the name is plain."""
    if not isinstance(name, str):
        return f"its name is {_json_type(name)}, not a string"
    if not name:
        return "its name is empty"
    if len(name) > TOOL_NAME_LENGTH:
        return f"its name has {len(name)} characters; {TOOL_NAME_LENGTH} are allowed"
    if _folded(name) in RESERVED_TOOLS:
        return f"its name imitates {_folded(name)}, a tool of the gateway itself"
    if not _TOOL.fullmatch(name):
        return f"its name holds {_strange_character(name)}"
    return None


def is_plain_tool_name(name: object) -> bool:
    """Whether the name has the form of a tool's name, reserved or not."""
    return isinstance(name, str) and len(name) <= TOOL_NAME_LENGTH and bool(_TOOL.fullmatch(name))


def qualified_name(server: str, tool: str) -> str:
    """What a model calls this tool: `server__tool` where that fits, else a cut of it with a digest.

    Always 1 to 64 of `A-Za-z0-9_-`, the same for the same pair, and another for another pair.
    """
    plain = f"{server}__{tool}"
    if len(plain) <= QUALIFIED_NAME_LENGTH and _PLAIN.fullmatch(plain) and not _looks_cut(tool):
        return plain
    digest = hashlib.sha256(_bytes(f"{server}\0{tool}")).hexdigest()[:DIGEST_LENGTH]
    head = re.sub(r"[^A-Za-z0-9_-]", "_", plain)[: QUALIFIED_NAME_LENGTH - DIGEST_LENGTH - 1]
    return f"{head}_{digest}"


def _looks_cut(tool: str) -> bool:
    """Whether a tool's own name ends like a digest, perhaps chosen to meet a cut name."""
    return bool(_ENDS_LIKE_DIGEST.fullmatch(tool[-DIGEST_LENGTH - 1 :]))


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", unicodedata.normalize("NFKC", name).casefold()).strip("_")


def _strange_character(name: str) -> str:
    character = next(each for each in name if not _TOOL.fullmatch(each))
    point = f"U+{ord(character):04X}"
    if unicodedata.category(character).startswith("C"):
        return f"the control or invisible character {point}"
    plain = unicodedata.normalize("NFKC", character)
    if plain != character:
        return f"{point}, which is another way to write {ascii(plain)}"
    if not character.isascii():
        return f"{point} ({unicodedata.name(character, 'unnamed')}), which is not ASCII"
    return f"{character!r}, which names do not have"


def _json_type(value: object) -> str:
    if value is None:
        return "missing"
    kinds = {bool: "a boolean", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
