"""An MCP server over stdio without the SDK: it starts in 20 ms and can be told to misbehave.

Its tools: pid, environment, cwd, family (starts a stubborn child, gives both process ids), chatter,
noise, nan, surrogate, deep, endless, flood, die. Any other name is never answered.
"""

import json
import os
import subprocess
import sys
from typing import Any

ARGV = (sys.executable, "-S", __file__)

# Ignores SIGTERM and does not read: only its group's SIGKILL ends it.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def say(value: Any) -> None:
    print(value if isinstance(value, str) else json.dumps(value), flush=True)


def text(value: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": str(value)}], "resultType": "complete"}


def family() -> str:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    child = subprocess.Popen([sys.executable, "-S", "-c", STUBBORN], **pipes)  # type: ignore[call-overload]
    return f"{os.getpid()},{child.pid}"


def call(name: str, number: int) -> None:
    """Answer one tools/call, in the way its name says."""
    answer = {"jsonrpc": "2.0", "id": number}
    plain = {"pid": os.getpid, "cwd": os.getcwd, "family": family}
    if name in plain:
        say({**answer, "result": text(plain[name]())})
    if name == "environment":
        say({**answer, "result": text(json.dumps(dict(os.environ)))})
    if name in ("chatter", "noise"):
        say("starting up ...")
        say('{"log": 1')
        say({"level": "info"})
        say({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        sys.stderr.write("e" * 3_000_000 * (name == "noise") + "\n")
        say({**answer, "result": text("fine")})
    if name in RAW:
        say(f'{{"jsonrpc": "2.0", "id": {number}, "result": {RAW[name]}}}')
    if name == "deep":
        say('{"jsonrpc": "2.0", "result": ' + "[" * 100_000)
    while name == "endless":
        sys.stdout.write("x" * 65_536)
    while name == "flood":
        sys.stdout.write('{"jsonrpc": "2.0", "method": "notifications/message", "params": {}}\n')
    if name == "die":
        sys.stderr.write("the last words")
        sys.stderr.flush()
        os._exit(3)


RAW = {
    "nan": '{"n": NaN}',
    "surrogate": r'{"resultType": "complete", "content": [], "t": "\ud800"}',
}
DISCOVERED = {
    "supportedVersions": ["2026-07-28"],
    "capabilities": {},
    "resultType": "complete",
    "ttlMs": 0,
    "cacheScope": "private",
}
LISTED = {"tools": [{"name": "pid", "inputSchema": {"type": "object"}}], "resultType": "complete"}


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if message["method"] == "server/discover":
            say({"jsonrpc": "2.0", "id": message["id"], "result": DISCOVERED})
        elif message["method"] == "tools/list":
            say({"jsonrpc": "2.0", "id": message["id"], "result": LISTED})
        elif message["method"] == "tools/call":
            call(message["params"]["name"], message["id"])


if __name__ == "__main__":
    main()
