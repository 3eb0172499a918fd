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

from omni2.settings import *  # noqa: F403
