"""Buckets of durations: percentiles within the error that is promised, and sums of them."""

import random
from collections import Counter
from math import ceil

import pytest

from audit import latency


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 3, 10, 99, 1_000, 59_999, 86_400_000, 2**62])
def test_a_duration_is_told_within_the_error(milliseconds: int) -> None:
    told = latency.middle(latency.bucket(milliseconds))
    assert abs(told - milliseconds) <= milliseconds * (latency.ERROR + 1e-9)


def test_the_error_is_below_five_percent() -> None:
    assert 0.04 < latency.ERROR < 0.05


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_a_percentile_is_within_the_error_of_the_true_one(share: float) -> None:
    rng = random.Random(7)
    measured = sorted(round(rng.lognormvariate(5, 1.5)) for _ in range(2000))
    true = measured[ceil(share * len(measured)) - 1]
    told = latency.percentile(Counter(map(latency.bucket, measured)), share)
    assert told is not None
    assert abs(told - true) <= true * (latency.ERROR + 1e-9)


def test_nothing_measured_has_no_percentile() -> None:
    assert latency.percentile({}, 0.5) is None


def test_buckets_add_up() -> None:
    total = {"1": 2}
    latency.add(total, {"1": 3, "7": 1})
    assert total == {"1": 5, "7": 1}
