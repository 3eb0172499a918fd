"""Blocks are signed by a key of their own; what it signed stays provable when it is replaced."""

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import record, seal, signing
from audit.errors import SealingKeyError
from audit.findings import Finding
from audit.models import Block, Entry, Unsealed
from audit.verify import verify

DIGEST = "ab" * 32


@pytest.fixture
def key_file(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "keys" / "sealing.pem"
    settings.SEALING_KEY_FILE = str(path)
    settings.SEALING_PUBLIC_KEYS = []
    return path


def test_a_key_is_made_once_for_its_owner_alone(key_file: Path) -> None:
    first, second = signing.signer(), signing.signer()
    assert first.id == second.id
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    [known] = signing.public_keys().values()
    assert known.id == first.id
    assert [path.name for path in key_file.parent.iterdir()] != ["sealing.pem"]


def test_a_signature_fits_its_digest_and_no_other(key_file: Path) -> None:
    signer = signing.signer()
    known, signature = signing.public_keys()[signer.id], signer.sign(DIGEST)
    assert known.fits(signature, DIGEST)
    assert not known.fits(signature, "cd" * 32)
    assert not known.fits("00" * 64, DIGEST)
    assert not known.fits("no signature", DIGEST)


def test_whoever_has_the_public_keys_alone_can_verify(key_file: Path, settings: Any) -> None:
    signer = signing.signer()
    signature = signer.sign(DIGEST)
    public = signing.public_keys()[signer.id].hex
    settings.SEALING_KEY_FILE = str(key_file.parent / "elsewhere.pem")
    assert signing.public_keys() == {}
    settings.SEALING_PUBLIC_KEYS = [public]
    assert signing.public_keys()[signer.id].fits(signature, DIGEST)
    assert not (key_file.parent / "elsewhere.pem").exists()


def test_a_new_key_signs_from_then_on_and_the_old_one_stays_known(key_file: Path) -> None:
    old = signing.signer()
    signature = old.sign(DIGEST)
    new = signing.rotate()
    assert signing.signer().id == new.id != old.id
    assert signing.public_keys()[old.id].fits(signature, DIGEST)
    assert not signing.public_keys()[new.id].fits(signature, DIGEST)


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key_seals_nothing(text: str, key_file: Path, db: None) -> None:
    key_file.parent.mkdir()
    key_file.write_text(text)
    record.write("auth.login", "ok")
    with pytest.raises(SealingKeyError, match="OMNI2_SEALING_KEY_FILE"):
        seal.seal_once()
    assert (Block.objects.count(), Unsealed.objects.count()) == (0, 1)


def test_a_key_of_another_kind_is_refused(key_file: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415  for this test alone
        SECP256R1,
        generate_private_key,
    )

    key_file.parent.mkdir()
    pem = signing.PrivateFormat.PKCS8, signing.NoEncryption()
    key = generate_private_key(SECP256R1())
    key_file.write_bytes(key.private_bytes(signing.Encoding.PEM, *pem))
    with pytest.raises(SealingKeyError, match="not an Ed25519"):
        signing.signer()


@pytest.mark.parametrize("line", ["one two", "x 00 2026-05-01", "x zz 2026-05-01T12:00:00Z"])
def test_a_list_that_cannot_be_read_is_named(line: str, key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.with_suffix(".pub").write_text(f"{line}\n")
    with pytest.raises(SealingKeyError, match="list of public keys"):
        signing.public_keys()


# --- In the record --------------------------------------------------------------------------------
def test_blocks_say_which_key_signed_them(key_file: Path, sealed: list[Entry]) -> None:
    old, new = signing.signer().id, signing.rotate().id
    seal.seal_once()
    assert verify().keys == {old: 2, new: 1}
    assert verify().finding is None


def test_a_changed_signature_is_found(sealed: list[Entry], raw: Any) -> None:
    other = Block.objects.get(number=2).signature
    raw("UPDATE audit_block SET signature = %s WHERE number = 1", other)
    assert verify().finding == Finding("signature", sealed[0].pk, 1)


def test_a_key_that_is_on_no_list_is_found(
    key_file: Path, sealed: list[Entry], settings: Any
) -> None:
    settings.SEALING_KEY_FILE = str(key_file.parent / "other.pem")
    assert verify().finding == Finding("key-unknown", sealed[0].pk, 1)


def chain_anew(raw: Any, *, key: str = "") -> None:
    """What somebody who has the database but not the key would do to hide an edit."""
    previous = ""
    for block in Block.objects.order_by("number"):
        block.previous, block.key = previous, key
        previous = block.reckon_digest()
        raw(
            "UPDATE audit_block SET previous = %s, digest = %s, key = %s, signature = %s"
            " WHERE number = %s",
            *(block.previous, previous, key, block.signature if key else "", block.number),
        )


def test_a_chain_made_anew_without_the_key_is_found(
    key_file: Path, sealed: list[Entry], raw: Any
) -> None:
    chain_anew(raw)
    assert verify().finding == Finding("unsigned", sealed[0].pk, 1)
    key_file.with_suffix(".pub").unlink()
    assert verify().finding is None, "without the list of keys it would go unnoticed"


def test_one_block_without_a_signature_among_signed_ones_is_found(
    key_file: Path, sealed: list[Entry], raw: Any
) -> None:
    block = Block.objects.get(number=2)
    block.key = ""
    raw(
        "UPDATE audit_block SET key = '', signature = '', digest = %s WHERE number = 2",
        block.reckon_digest(),
    )
    known = key_file.with_suffix(".pub")
    since = known.read_text().split()[2]
    known.write_text(known.read_text().replace(since, "2199-01-01T00:00:00+00:00"))
    assert verify().finding == Finding("unsigned", sealed[4].pk, 2)


def test_a_block_from_before_there_were_keys_is_intact(
    key_file: Path, sealed: list[Entry], raw: Any
) -> None:
    chain_anew(raw)
    key_file.unlink()
    key_file.with_suffix(".pub").unlink()
    seal.seal_once()
    report = verify()
    assert (report.finding, report.keys) == (None, {"": 2, signing.signer().id: 1})


# --- The command ----------------------------------------------------------------------------------
def test_the_command_lists_and_replaces_keys(
    key_file: Path, db: None, capsys: pytest.CaptureFixture
) -> None:
    call_command("sealing_key")
    old = signing.signer().id
    [line] = capsys.readouterr().out.splitlines()
    assert (line[:16], line.endswith("(in use)")) == (old, True)
    call_command("sealing_key", "--rotate")
    new = signing.signer().id
    lines = capsys.readouterr().out.splitlines()
    assert [(line[:16], line.endswith("(in use)")) for line in lines] == [(old, False), (new, True)]
    entry = Entry.objects.get(kind="record.key_changed")
    assert entry.detail == {"before": old, "after": new}


def test_the_command_names_what_to_mend(key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.write_text("no key")
    with pytest.raises(CommandError, match="OMNI2_SEALING_KEY_FILE"):
        call_command("sealing_key")
