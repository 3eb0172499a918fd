"""The product's settings with a data folder of their own: no test touches this checkout's."""

import atexit
import os
import shutil
import tempfile

if "OMNI2_DATA_DIR" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="omni2-tests-")
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    os.environ["OMNI2_DATA_DIR"] = _folder
os.environ.setdefault("OMNI2_ENV_FILE", os.devnull)
os.environ.setdefault("OMNI2_MODEL_PROVIDER", "offline")

# Test processes side by side share a Redis server, but nothing in it.
_process = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if os.environ.get("REDIS_URL") and _process:
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{int(_process) + 1}"

from omni2.settings import *  # noqa: E402, F403

# Tests log people in; they do not need the time that a real hash takes.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Looked for when asked for: each test client would otherwise list every static file anew.
WHITENOISE_AUTOREFRESH = True
