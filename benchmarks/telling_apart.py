"""Whether the time of an answer tells what the answer itself does not: what is there, and what not.

    .venv/bin/python benchmarks/telling_apart.py [--rounds 200]

OMNI2 runs as it is deployed (gunicorn, ASGI, SQLite in a temporary folder), with a real MCP server
and an instant fake of the Messages API. Two requests that must be answered alike take turns, in a
random order: a key with a wrong secret and one that nobody has (T-34); a forbidden tool that a
model asks for, or an MCP client, and an unknown one (T-09); somebody else's question and nobody's
(T-41). Their answers are compared, and the medians of their times printed. The exit status is 1
where answers differ, or medians by more than 20 %.
"""

import argparse
import json
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from typing import Any
from uuid import uuid4

import requests
from overhead import ROOT, child, server, surroundings

from tests.fakes import messages_api
from tests.fakes.messages_turns import Body, Turn, says, uses

TOLERATED = 1.2
# So few at one key that it is not locked out meanwhile.
TRIES = 8
MCP_VERSION = "2026-07-28"
SETUP = """
import json, sys, django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.cast import assemble, register
from accounts.models import ApiKey
from gateway import ask
from gateway.models import Door
cast = assemble(); register(sys.argv[1])
print(json.dumps({
    "key": cast.key(cast.dev),
    "prefixes": [ApiKey.issue(cast.dev, "k")[0].prefix for _ in range(int(sys.argv[2]))],
    "question": str(ask.ask("hello", asker=cast.asker(cast.ada), door=Door.CLI).pk),
}))
"""

# Sends a request and gives back the answer: its status and what it says.
Try = Callable[[], tuple[int, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(child("tests.fakes.mcp_server", "--port", "0"))
        model = stack.enter_context(messages_api.serve(ask_for_what_is_named))
        environment = surroundings(folder, upstream, model.url)
        known = prepare(environment, upstream, many=2 + rounds // TRIES)
        base = stack.enter_context(server(environment))
        alike = [report(name, measure(pair, rounds)) for name, pair in pairs(base, known)]
    sys.exit(not all(alike))


def ask_for_what_is_named(body: Body) -> Turn:
    """A model that calls the tool which the question names, and then has done."""
    last = body["messages"][-1]["content"]
    return uses((last, {})) if isinstance(last, str) else says("Done.")


def prepare(environment: dict[str, str], upstream: str, *, many: int) -> dict[str, Any]:
    made = subprocess.run(
        [sys.executable, "-c", SETUP, upstream, str(many)],
        env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return found


def pairs(base: str, known: dict[str, Any]) -> Iterator[tuple[str, tuple[Try, Try]]]:
    """Each with what is there first, and then what is not."""
    mine = {"Authorization": f"Bearer {known['key']}"}
    nowhere = [secrets.token_hex(6) for _ in known["prefixes"]]
    yield "key: wrong secret, unknown", (key(base, known["prefixes"]), key(base, nowhere))
    forbidden, unknown = "upstream__write_note", "upstream__no_note"
    yield "model: forbidden tool, unknown", (use(base, mine, forbidden), use(base, mine, unknown))
    yield "MCP: forbidden tool, unknown", (call(base, mine, forbidden), call(base, mine, unknown))
    theirs, nobodys = known["question"], str(uuid4())
    yield "question: another's, nobody's", (look(base, mine, theirs), look(base, mine, nobodys))


def key(base: str, prefixes: list[str]) -> Try:
    session, turn = requests.Session(), cycle(prefixes)

    def attempt() -> tuple[int, str]:
        header = {"Authorization": f"Bearer omni2_{next(turn)}_{secrets.token_urlsafe(32)}"}
        return told(session.get(f"{base}/api/me", headers=header, timeout=30))

    return attempt


def use(base: str, mine: dict[str, str], tool: str) -> Try:
    session = requests.Session()

    def attempt() -> tuple[int, str]:
        body = {"question": tool, "wait": True}
        answer = session.post(f"{base}/api/query", json=body, headers=mine, timeout=30)
        found = answer.json()
        assert [call["state"] for call in found["calls"]] == ["refused"], found
        return answer.status_code, found["answer"]

    return attempt


def call(base: str, mine: dict[str, str], tool: str) -> Try:
    session = requests.Session()
    headers = mine | {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": MCP_VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    meta = {
        "io.modelcontextprotocol/protocolVersion": MCP_VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    wanted = {"_meta": meta, "name": tool, "arguments": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wanted}
    return lambda: told(session.post(f"{base}/mcp", json=body, headers=headers, timeout=30))


def look(base: str, mine: dict[str, str], question_id: str) -> Try:
    session = requests.Session()
    url = f"{base}/api/query/{question_id}"
    return lambda: told(session.get(url, headers=mine, timeout=30))


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def measure(pair: tuple[Try, Try], rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both; the first tenth of the rounds only warms up."""
    times: tuple[list[float], list[float]] = ([], [])
    answers: tuple[set[tuple[int, str]], set[tuple[int, str]]] = (set(), set())
    for number in range(rounds + rounds // 10):
        for which in random.sample((0, 1), 2):
            started = time.perf_counter()
            answers[which].add(pair[which]())
            if number >= rounds // 10:
                times[which].append((time.perf_counter() - started) * 1000)
    if answers[0] != answers[1]:
        raise SystemExit(f"They are told apart by what is answered: {answers}")
    return times


def report(name: str, times: tuple[list[float], list[float]]) -> bool:
    """Print the medians; whether they are near enough to each other."""
    there, not_there = (statistics.median(one) for one in times)
    ratio = max(there, not_there) / min(there, not_there)
    print(f"{name:34}{there:8.2f}{not_there:8.2f} ms  differ by {(ratio - 1) * 100:.0f} %")
    return ratio <= TOLERATED


if __name__ == "__main__":
    main()
