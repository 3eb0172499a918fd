import random
import timeit

import pytest

from accounts.policy import PatternError, check_pattern, matches
from accounts.policy.patterns import Glob, Patterns
from tests.accounts.reference import fits


@pytest.mark.parametrize(
    ("pattern", "server", "tool", "expected"),
    [
        ("get_a", "db", "get_a", True),
        ("get_a", "db", "get_ab", False),
        ("get_a", "db", "Get_a", False),
        ("get_*", "db", "get_", True),
        ("get_?", "db", "get_", False),
        ("*", "db", "anything at all\n", True),
        ("*_a", "db", "get_a\n", False),
        ("g*t*a", "db", "gta", True),
        ("a*a", "db", "a", False),
        ("db/get_*", "db", "get_a", True),
        ("db/get_*", "DB", "get_a", False),
        ("db/get_*", "db2", "get_a", False),
        ("d?/get_*", "db", "get_a", True),
        ("*/get_*", "crm", "get_a", True),
        ("db/a/b", "db", "a/b", True),
        ("a/b", "db", "a/b", False),
        (".*", "db", "query", False),
        ("q.ery", "db", "query", False),
        ("\\*", "db", "query", False),
        ("**", "db", "query", True),
    ],
)
def test_a_pattern_covers_the_whole_name_and_nothing_else(pattern, server, tool, expected):
    assert matches(pattern, server, tool) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "",
            "get_[ab]",
            "get_{a,b}",
            "a|b",
            "get a",
            "get\ta",
            "a\n",
            "a\x00",
            "a\u200b",
            "\ufeffa",
        ),
        *("/get", "db/", "@", None, 7, ["a"], "a" * 513),
    ],
)
def test_a_pattern_that_would_not_do_what_its_author_means_is_refused(pattern):
    with pytest.raises(PatternError):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["get_*", "db/get_?", "@reads", "a" * 512, "tool.v2-x", "*/*"])
def test_a_usable_pattern_passes(pattern):
    assert check_pattern(pattern) is None


def test_a_hundred_thousand_random_patterns_match_as_the_slow_matcher_says():
    dice = random.Random(7)
    differences = []
    for _ in range(100_000):
        pattern = "".join(dice.choices("ab*?", k=dice.randint(1, 6)))
        name = "".join(dice.choices("ab", k=dice.randint(0, 7)))
        if Glob(pattern).matches(name) != fits(pattern, name):
            differences.append((pattern, name))
    assert differences == []


@pytest.mark.parametrize(
    "pattern", ["a*" * 16 + "b", "*a" * 100 + "b", "?*" * 100 + "b", "*?a" * 80]
)
def test_no_pattern_is_slow(pattern):
    name = "a" * 60 + "c"
    assert not Glob(pattern).matches(name)
    assert min(timeit.repeat(lambda: Glob(pattern).matches(name), number=1, repeat=5)) < 0.005


def test_no_value_is_too_long_for_a_pattern():
    """A caller may send 1 MiB, and trying a piece anew at each place of it would take seconds."""
    value = "a" * 100_000 + "c"
    for pattern in ("*" + "?" * 400 + "b*", "*" + "a?" * 200 + "b*"):
        matches = Glob(pattern).matches
        assert not matches(value)
        assert min(timeit.repeat(lambda m=matches: m(value), number=1, repeat=2)) < 0.5


def test_a_set_names_the_pattern_as_its_author_wrote_it():
    groups = {"reads": ("get_*", "crm/list_a")}
    patterns = Patterns(("run", "db/drop_a", "@reads", "x_*"), groups)
    asked = [("db", "run"), ("db", "drop_a"), ("crm", "drop_a"), ("db", "get_a"), ("crm", "list_a")]
    assert [patterns.first(*place) for place in asked] == [
        "run",
        "db/drop_a",
        None,
        "@reads (get_*)",
        "@reads (crm/list_a)",
    ]


def test_a_large_set_remembers_both_answers():
    patterns = Patterns([f"a{number}_*" for number in range(40)], {})
    asked = [("db", "a7_x"), ("db", "b")] * 2
    assert [patterns.first(*place) for place in asked] == ["a7_*", None, "a7_*", None]
