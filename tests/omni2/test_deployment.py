"""The secrets of a deployment: random, its owner's alone, the same for all its processes."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from omni2 import deployment


def test_secrets_are_made_once_and_read_afterwards(tmp_path):
    made = deployment.load_or_create(tmp_path / "new" / "folder")

    assert deployment.load_or_create(tmp_path / "new" / "folder") == made
    assert deployment.load_or_create(tmp_path / "other") != made
    assert deployment.is_known_example(made.secret_key) is False
    assert deployment.is_fernet_key(made.encryption_key) is True


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_may_read_them_and_no_draft_is_left(tmp_path, umask):
    before = os.umask(umask)
    try:
        deployment.load_or_create(tmp_path)
    finally:
        os.umask(before)

    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in tmp_path.iterdir()] == [
        ("secrets.json", "0o600")
    ]


def test_all_who_start_at_once_end_with_the_same_secrets(tmp_path):
    for number in range(10):
        folder = tmp_path / str(number)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(deployment.load_or_create, [folder] * 8))
        assert len(set(found)) == 1


def test_whoever_comes_second_keeps_what_the_first_has_written(tmp_path):
    """Both saw no file; the slower one's secrets are thrown away."""
    path = tmp_path / "secrets.json"
    deployment._write_once(path, deployment.Secrets("first", "one"))
    deployment._write_once(path, deployment.Secrets("second", "two"))

    assert json.loads(path.read_text()) == {"secret_key": "first", "encryption_key": "one"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("", True),
        ("short", True),
        ("123456789012345", True),
        ("change-me", True),
        ("  CHANGE-ME-to-something-long-and-random  ", True),
        ("changeme0123456789abcdef", True),
        ("your-secret-key-here-please", True),
        ("django-insecure-#(8j3k2m5n9p0q", True),
        ("secret-secret-secret-secret", True),
        ("Vw9q0Xb6-7Rk2mTz4Lp8s", False),
    ],
)
def test_values_that_everybody_knows_are_no_secrets(value, known):
    assert deployment.is_known_example(value) is known


@pytest.mark.parametrize(
    ("key", "works"),
    [
        ("A" * 43 + "=", True),
        ("", False),
        ("x" * 44, False),
        ("é" * 44, False),
        ("A" * 40, False),
    ],
)
def test_what_can_encrypt_is_told_from_what_cannot(key, works):
    assert deployment.is_fernet_key(key) is works
