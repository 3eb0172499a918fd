"""The whole house as it is deployed (gunicorn, ASGI) on a folder of its own, for a browser to
visit.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.fakes import mcp_server, messages_api

ROOT = Path(__file__).resolve().parent.parent.parent

# Run once in the house's own environment, before it opens.
PREPARE = """
import json, sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from accounts.models import SetupLink
from tests.admin_pages import furnish
from tests.cast import assemble, register
cast = assemble(); register(sys.argv[1]); furnish(cast)
print(json.dumps({one.email: SetupLink.issue(one) for one in (cast.ada, cast.dev)}))
"""


@dataclass(frozen=True)
class House:
    """A running house: its address, and each person's one-time path to a password."""

    base: str
    tokens: dict[str, str]
    upstream: Any
    model: messages_api.MessagesApi

    def setup_url(self, email: str) -> str:
        return f"{self.base}/setup/{self.tokens[email]}"


@contextmanager
def house(script: Callable[[Any], Any], *, tools: Any = None) -> Iterator[House]:
    """Open a house whose model follows `script`; closed and forgotten when the block ends."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="omni2-house-"))
        upstream = stack.enter_context(mcp_server.serve(tools))
        model = stack.enter_context(messages_api.serve(script))
        port = _free_port()
        environment = _environment(folder, port, upstream.url, model.url)
        made = subprocess.run(
            [sys.executable, "-c", PREPARE, upstream.url],
            env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        tokens = json.loads(made.stdout.splitlines()[-1])
        base = stack.enter_context(_gunicorn(environment, port))
        yield House(base, tokens, upstream, model)


def _environment(folder: str, port: int, upstream: str, model: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "omni2.settings",
        "OMNI2_ENV_FILE": str(Path(folder) / "none.env"),
        "OMNI2_DATA_DIR": folder,
        "OMNI2_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "OMNI2_INTERNAL_ADDRESSES": urlsplit(upstream).netloc,
        "OMNI2_MODEL_PROVIDER": "anthropic",
        "ANTHROPIC_API_KEY": "for-the-fake",
        "ANTHROPIC_BASE_URL": model,
        "OMNI2_LOG_LEVEL": "ERROR",
    }


def _free_port() -> int:
    with mcp_server.listen() as free:
        return free.getsockname()[1]


@contextmanager
def _gunicorn(environment: dict[str, str], port: int) -> Iterator[str]:
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-k", "asgi", "omni2.asgi", "--no-control-socket"]
    command += ["--bind", f"127.0.0.1:{port}", "--graceful-timeout", "2", "--log-level", "error"]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
        try:
            _wait_until_ready(base, process)
            yield base
        finally:
            process.terminate()


def _wait_until_ready(base: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the house closed before it was open"
        try:
            if requests.get(f"{base}/api/health/live", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("the house did not open")
