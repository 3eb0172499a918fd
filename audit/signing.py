"""The key that blocks are signed with, and the public keys that prove it.

The private key (Ed25519) lies in a file that only who seals reads: whoever serves requests or has
the database's password cannot sign. It is made on first need, mode 0600. Beside it lies the list of
public keys, one line each: its id, the key, since when; a key that was replaced stays on it.
Verifying needs that list alone, or the same keys in a setting.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.utils import timezone

from audit.errors import SealingKeyError

HEAD_TAG = b"omni2 head 1\n"
ID_DIGITS = 16


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are held against; `since` is unknown for one from the setting."""

    id: str
    hex: str
    since: datetime | None = None

    def fits(self, signature: str, digest: str) -> bool:
        """Whether this is the key's signature of a block with that digest."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.hex))
            key.verify(bytes.fromhex(signature), HEAD_TAG + bytes.fromhex(digest))
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """The private key, and the id that its signatures are found by."""

    id: str
    key: Ed25519PrivateKey

    def sign(self, digest: str) -> str:
        """The signature of a block with this digest, in hexadecimal."""
        return self.key.sign(HEAD_TAG + bytes.fromhex(digest)).hex()


def key_id(public: str) -> str:
    """What a public key, in hexadecimal, is called."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:ID_DIGITS]


class _Loaded:
    """The key that this process has read, as long as the file is the same one."""

    seen: tuple[object, ...] = ()
    signer: Signer | None = None


def signer() -> Signer:
    """The key to sign with, made when there is none; raises SealingKeyError when it is unusable."""
    path = Path(settings.SEALING_KEY_FILE)
    try:
        if not path.exists():
            _write(path, replace=False)
        there = path.stat()
        seen = (path, there.st_ino, there.st_mtime_ns)
        if _Loaded.signer is None or _Loaded.seen != seen:
            _Loaded.signer, _Loaded.seen = _read(path), seen
    except OSError as error:
        raise SealingKeyError(f"OMNI2_SEALING_KEY_FILE cannot be used: {error}") from error
    return _Loaded.signer


def rotate() -> Signer:
    """Sign with a new key from now on, in every process; the old public key stays on the list."""
    _write(Path(settings.SEALING_KEY_FILE), replace=True)
    return signer()


def public_keys() -> Mapping[str, PublicKey]:
    """The keys that a signature may be of, by their ids."""
    configured = [PublicKey(key_id(text), text) for text in settings.SEALING_PUBLIC_KEYS]
    return {key.id: key for key in [*configured, *_listed(_list_file())]}


def _list_file() -> Path:
    return Path(settings.SEALING_KEY_FILE).with_suffix(".pub")


def _listed(path: Path) -> list[PublicKey]:
    lines = path.read_text().splitlines() if path.exists() else []
    try:
        return [_parsed(line) for line in lines if line.strip()]
    except ValueError as error:
        raise SealingKeyError(f"{path} is not a list of public keys: {error}") from error


def _parsed(line: str) -> PublicKey:
    _, public, text = line.split()
    since = datetime.fromisoformat(text)
    if since.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return PublicKey(key_id(public), public, since)


def _read(path: Path) -> Signer:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SealingKeyError(f"OMNI2_SEALING_KEY_FILE holds no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SealingKeyError("OMNI2_SEALING_KEY_FILE holds a key that is not an Ed25519 one.")
    public = key.public_key().public_bytes_raw().hex()
    found = Signer(key_id(public), key)
    if found.id not in public_keys():
        _list(public)
    return found


def _list(public: str) -> None:
    line = f"{key_id(public)} {public} {timezone.now().isoformat()}\n"
    descriptor = os.open(_list_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(line)


def _write(path: Path, *, replace: bool) -> None:
    """A new key in place; of two processes that make the first one, the second gives way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    _list(key.public_key().public_bytes_raw().hex())
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    if replace:
        os.replace(draft, path)
        return
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
