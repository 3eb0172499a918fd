"""How well `gateway.retrieval` finds the right tool: recall@1, @5, @10 and MRR over a folder.

    python -m benchmarks.routing FOLDER [FOLDER ...]

A folder holds `tools.jsonl` (`{"server", "name", "description", "input_schema"}`) and
`queries.jsonl` (`{"subset", "query", "gold": [server.name, ...], "alt"?: {gold: [others]}}`).
A tie counts half.
"""

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway import retrieval
from gateway.llm.base import ToolSpec

DEPTHS = (1, 5, 10)
Query = Mapping[str, Any]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def load_tools(folder: Path) -> list[ToolSpec]:
    return [
        ToolSpec(
            name=f"{row['server']}.{row['name']}",
            description=row.get("description") or "",
            input_schema=row.get("input_schema") or {},
            server=row["server"],
            tool=row["name"],
        )
        for row in lines(folder / "tools.jsonl")
    ]


def places(scores: Mapping[str, float], query: Query) -> list[float]:
    """The rank of each gold tool, or of the best tool equally right; a tie counts half."""
    ranked = sorted(scores.values(), reverse=True)
    found = []
    for gold in query["gold"]:
        rights = [gold, *query.get("alt", {}).get(gold, [])]
        best = max(scores[right] for right in rights)
        above = sum(score > best for score in ranked)
        ties = sum(score == best for score in ranked) - 1
        found.append(1 + above + ties / 2)
    return found


def measure(tools: list[ToolSpec], queries: Iterable[Query]) -> dict[str, list[dict[str, float]]]:
    """The figures of every query, by subset and over all."""
    figures: dict[str, list[dict[str, float]]] = defaultdict(list)
    for query in queries:
        started = time.perf_counter()
        ranked = retrieval.rank(query["query"], tools)
        spent = 1000 * (time.perf_counter() - started)
        found = places({tool.name: score for tool, score in ranked}, query)
        one = {f"r@{k}": sum(place <= k for place in found) / len(found) for k in DEPTHS}
        one |= {"mrr": 1 / min(found), "ms": spent}
        figures[query["subset"]].append(one)
        figures["all"].append(one)
    return figures


def report(folder: Path) -> None:
    """Print one line for each subset of a folder."""
    tools = load_tools(folder)
    started = time.perf_counter()
    retrieval.rank("warm up", tools)
    spent = 1000 * (time.perf_counter() - started)
    print(f"{folder.name}: {len(tools)} tools, indexed in {spent:.0f} ms")
    for subset, rows in measure(tools, lines(folder / "queries.jsonl")).items():
        means = {key: statistics.fmean(row[key] for row in rows) for key in rows[0]}
        slowest = sorted(row["ms"] for row in rows)[int(len(rows) * 0.95)]
        shown = "  ".join(f"{key} {value:.3f}" for key, value in means.items() if key != "ms")
        print(f"  {subset:15} n={len(rows):4}  {shown}  p95 {slowest:.1f} ms")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        report(Path(argument))
