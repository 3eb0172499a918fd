"""The two secrets of a deployment: made on first start, kept in a file of its owner's alone."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

# Values that stand in examples and tutorials. A deployment that runs on one of them has no secret.
KNOWN_EXAMPLES = frozenset(
    {
        "change-me",
        "changeme",
        "secret",
        "insecure",
        "django-insecure",
        "your-secret-key",
        "test",
        "example",
    }
)


@dataclass(frozen=True)
class Secrets:
    """`secret_key` signs sessions and links; `encryption_key` (Fernet) is for credentials."""

    secret_key: str
    encryption_key: str


def load_or_create(folder: Path) -> Secrets:
    """Read `folder/secrets.json`, or make it with random values (mode 0600) when it is not there.

    Two processes that start at once end with the same secrets: the file is linked into place whole,
    and the one that comes second reads what the first has written.
    """
    path = folder / "secrets.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(path, Secrets(secrets.token_urlsafe(50), Fernet.generate_key().decode()))
    return Secrets(**json.loads(path.read_text()))


def _write_once(path: Path, fresh: Secrets) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(fresh.__dict__, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def is_known_example(value: str) -> bool:
    """Whether a configured secret is one of the values that everybody knows."""
    lowered = value.strip().lower()
    return len(lowered) < 16 or any(lowered.startswith(example) for example in KNOWN_EXAMPLES)


def is_fernet_key(key: str) -> bool:
    """Whether `key` can encrypt: 32 bytes in URL-safe base64."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
