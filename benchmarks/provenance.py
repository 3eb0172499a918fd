"""How long it takes to say where the figures of an answer of 4,000 characters are from.

    .venv/bin/python benchmarks/provenance.py [--seed 1]

1 MB of results of four kinds, against an answer of which nothing is found (nothing but figures; or
figures, ids and dates in words and digits) and one that is quoted from rows like these. The best of
five, milliseconds. The aim is 50 for rows.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.citations import Origin, Source, link

SIZE, ANSWER = 1_000_000, 4_000


def rows(dice: random.Random, number: int) -> list[dict[str, object]]:
    return [
        {
            "id": f"ord-{dice.randrange(10**6):06}",
            "customer": f"customer{dice.randrange(9999)}@example.com",
            "amount": round(dice.random() * 10**5, 2),
            "at": f"2026-{dice.randrange(1, 13):02}-{dice.randrange(1, 28):02}T"
            f"{dice.randrange(24):02}:{dice.randrange(60):02}:00Z",
            "quantity": dice.randrange(10**4),
        }
        for _ in range(number)
    ]


def results(dice: random.Random) -> dict[str, str]:
    return {
        "rows": json.dumps(rows(dice, 9000))[:SIZE],
        "prose": ("A long text about what may be, and of many a march, "  * 20_000)[:SIZE],
        "floats": ",".join(f"{dice.random() * 10**7:.3f}" for _ in range(90_000))[:SIZE],
        "integers": " ".join(str(dice.randrange(10**7)) for _ in range(130_000))[:SIZE],
    }  # fmt: skip


def answers(dice: random.Random) -> dict[str, str]:
    figures = " ".join(str(dice.randrange(10**11, 10**12)) for _ in range(400))
    mixed = " ".join(
        f"about {dice.randrange(10**9, 10**10)} zz-{dice.randrange(10**6)}"
        f" 2019-0{dice.randrange(1, 9)}-11 3 May 2018"
        for _ in range(100)
    )
    quoted = " ".join(
        f"{row['amount']} {row['id']} {row['at']} {row['quantity']}" for row in rows(dice, 90)
    )
    return {name: text[:ANSWER] for name, text in
            (("figures", figures), ("mixed", mixed), ("quoted", quoted))}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    dice = random.Random(parser.parse_args().seed)
    said = answers(dice)
    for kind, text in results(dice).items():
        for name, answer in said.items():
            best, found, claims = measure(answer, text)
            print(f"{kind:9} {name:8} {best:7.1f} ms   {found} of {claims} found")


def measure(answer: str, text: str) -> tuple[float, int, int]:
    best, sources = float("inf"), [Source(Origin.RESULT, text, "1")]
    for _ in range(5):
        started = time.perf_counter()
        linked = link(answer, sources)
        best = min(best, (time.perf_counter() - started) * 1000)
    found = sum(1 for one in linked.citations if one.source is not None)
    return best, found, len(linked.citations)


if __name__ == "__main__":
    main()
