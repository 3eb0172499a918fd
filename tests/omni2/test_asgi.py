"""The server's entrance: what is wrong with a deployment keeps it shut."""

import os
import subprocess
import sys

import pytest


@pytest.mark.deployed
def test_a_secret_that_everybody_knows_keeps_the_server_from_starting():
    started = subprocess.run(
        [sys.executable, "-c", "import omni2.asgi"],
        env=os.environ | {"SECRET_KEY": "change-me", "DJANGO_SETTINGS_MODULE": "omni2.settings"},
        capture_output=True,
        text=True,
    )

    assert started.returncode != 0
    assert "omni2.E001" in started.stderr
    assert "change-me" not in started.stderr
