"""The demo's child processes: each in a group of its own, all of them ended with the demo."""

import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError

# A proxy for the outside has no business here.
_local = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DidNotStart(Exception):
    """A child ended or did not answer; the text has the end of its log."""


class Children:
    """Processes for the length of a `with` block."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process whose output goes to `<name>.log`."""
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, name: str, url: str, *, seconds: float = 60) -> None:
        """Return once `url` answers anything at all; raises DidNotStart."""
        deadline = time.monotonic() + seconds
        while not _answers(url):
            if self._running[name].poll() is not None or time.monotonic() > deadline:
                tail = (self._logs / f"{name}.log").read_text(errors="replace")[-2000:]
                raise DidNotStart(f"The {name} server did not start. The end of its log:\n{tail}")
            time.sleep(0.1)

    def ended(self) -> str | None:
        """The name of a child that is no longer running, if there is one."""
        gone = (name for name, child in self._running.items() if child.poll() is not None)
        return next(gone, None)

    def stop(self, *, patience: float = 10) -> None:
        """End every child and what it has started: asked first, killed after `patience` seconds."""
        for child in self._running.values():
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + patience
        for child in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            # Also when the child itself has ended: what it started may still be there.
            _signal(child, signal.SIGKILL)
            child.wait()
        self._running.clear()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _answers(url: str) -> bool:
    try:
        _local.open(url, timeout=2).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True
