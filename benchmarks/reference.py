"""100,000 random decisions against the independent evaluator of the tests; any difference fails.

    .venv/bin/python benchmarks/reference.py [--cases 100000] [--seed 0]

Policies, people, tools and arguments are those of `tests/accounts/policies.py`, with other seeds
than the suite's.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.accounts.test_policy_reference import CASES_PER_POLICY, both

AIM_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started, cases, different = time.perf_counter(), 0, 0
    for seed in range(options.seed, options.seed + -(-options.cases // CASES_PER_POLICY)):
        for ours, theirs, case in both(2**32 + seed):
            cases += 1
            if ours != theirs:
                different += 1
                print(f"seed {seed}: {ours} here, {theirs} by the reference: {case}")
    seconds = time.perf_counter() - started
    print(f"{cases:,} cases, {different} differences, {seconds:.1f} s (the aim: {AIM_SECONDS} s)")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
