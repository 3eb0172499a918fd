"""Text → nodes with lines: what is taken, what is refused, and how fast."""

import time
from pathlib import Path
from typing import Any

import pytest

from omni2.configuration.reading import Read, Unreadable, Written, join, read_source, read_text
from omni2.configuration.substitution import keep_references, substitute


def plain(read: Read) -> Any:
    if isinstance(read.value, dict):
        return {key: plain(value) for key, value in read.value.items()}
    if isinstance(read.value, list):
        return [plain(value) for value in read.value]
    return read.value


def refusal(text: str) -> str:
    with pytest.raises(Unreadable) as error:
        read_text(text, "f.yaml")
    return str(error.value.problem)


def test_values_keep_kind_line_and_path() -> None:
    top, _ = read_text("a:\n  - b: 1\n    c: 'two'\n  - [x, true, 1.5, ~]\n", "f.yaml")
    assert plain(top) == {"a": [{"b": 1, "c": "two"}, ["x", True, 1.5, None]]}
    c = top.value["a"].value[0].value["c"]
    assert (c.place.line, c.place.path) == (3, "a[0].c")


def test_text_is_kept_as_written() -> None:
    top, _ = read_text("key: 0123\nother: 1.10\n", "f.yaml")
    assert [top.value["key"].text, top.value["other"].text] == ["0123", "1.10"]


def test_empty_file_is_an_empty_mapping() -> None:
    assert plain(read_text("# nothing\n", "f.yaml")[0]) == {}


def test_merge_keys_are_filled_in_and_own_keys_win() -> None:
    text = "base: &base {a: 1, b: 1}\nuse:\n  <<: *base\n  b: 2\nlist:\n  <<: [*base, {c: 3}]\n"
    top, _ = read_text(text, "f.yaml")
    assert plain(top.value["use"]) == {"a": 1, "b": 2}
    assert plain(top.value["list"]) == {"a": 1, "b": 1, "c": 3}


def test_duplicate_key_is_an_error_with_both_lines() -> None:
    _, problems = read_text("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "f.yaml")
    assert list(map(str, problems)) == ["f.yaml:5: b.c: stands here twice, first in line 3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a:\n  b: !!python/object/apply:os.system ['id']\n",
            "f.yaml:2: a.b: the tag '!!python/object/apply:os.system' is refused: "
            "files hold plain data only",
        ),
        (
            "a: !!python/name:os.system\n",
            "f.yaml:1: a: the tag '!!python/name:os.system' is refused: files hold plain data only",
        ),
        ("a: !secret x\n", "f.yaml:1: a: the tag '!secret' is refused: files hold plain data only"),
        ("!own {a: 1}\n", "f.yaml:1: the tag '!own' is refused: files hold plain data only"),
        ("a: !!set {b}\n", "f.yaml:1: a: the tag '!!set' is refused: files hold plain data only"),
        ("? [a, b]\n: 1\n", "f.yaml:1: a key must be plain text"),
        ("a: *nowhere\n", "f.yaml:1: is not YAML: found undefined alias 'nowhere'"),
        (
            "a: 1\n b: 2\n",
            "f.yaml:2: is not YAML: mapping values are not allowed here",
        ),
        ("<<: 3\n", "f.yaml:1: << takes a mapping or a list of mappings"),
        ("a: &a\n  <<: *a\n", "f.yaml:2: a: is nested more than 40 levels deep"),
    ],
)
def test_what_is_no_plain_data_is_refused_with_its_line(text: str, said: str) -> None:
    assert refusal(text) == said


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a [*a]\n",
        "[" * 100_000,
        "a: " + "{a: " * 20_000,
    ],
    ids=["alias bomb", "alias of itself", "brackets", "braces"],
)
def test_bombs_are_refused_within_a_second(text: str) -> None:
    started = time.process_time()
    refusal(text)
    assert time.process_time() - started < 1


def test_file_over_a_mebibyte_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: 1\n" * 300_000)
    for source in (path, Written("big.yaml", path.read_text())):
        started = time.process_time()
        with pytest.raises(Unreadable) as error:
            read_source(source)
        assert str(error.value) == "big.yaml:1: is larger than 1 MiB and was not read"
        assert time.process_time() - started < 0.1


def test_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(Unreadable) as binary:
        read_source(tmp_path / "latin.yaml")
    with pytest.raises(Unreadable) as absent:
        read_source(tmp_path / "no.yaml")
    assert str(binary.value) == "latin.yaml:2: is not UTF-8 text"
    assert (
        str(absent.value) == f"{tmp_path / 'no.yaml'}:1: cannot be read: No such file or directory"
    )


def test_path_of_an_odd_key_shows_it_escaped() -> None:
    assert [join("", "a"), join("a", "b-c"), join("a", "@x.y"), join("a", "\x1b[2J")] == [
        "a",
        "a.b-c",
        "a['@x.y']",
        "a['\\x1b[2J']",
    ]


@pytest.mark.parametrize(
    ("text", "filled", "missing", "broken"),
    [
        ("${A}", "1", (), False),
        ("x${A}y${EMPTY}z", "x1yz", (), False),
        ("${NO}", "", ("NO",), False),
        ("${NO:-2}", "2", (), False),
        ("${NO:-}", "", (), False),
        ("${EMPTY:-2}", "2", (), False),
        ("${A:-2}", "1", (), False),
        ("${NO:-http://h:1/p}", "http://h:1/p", (), False),
        ("$A $", "$A $", (), False),
        ("${A", "${A", (), True),
        ("${1A}", "${1A}", (), True),
        ("${A-2}", "${A-2}", (), True),
    ],
)
def test_variables_are_filled_in(
    text: str, filled: str, missing: tuple[str, ...], broken: bool
) -> None:
    found = substitute(text, {"A": "1", "EMPTY": ""})
    assert (found.text, found.missing, found.broken) == (filled, missing, broken)


def test_value_of_a_variable_is_not_read_again() -> None:
    assert substitute("${A}", {"A": "${B}", "B": "x"}).text == "${B}"


def test_secret_keeps_its_reference_and_takes_a_default_in_force() -> None:
    environ = {"A": "1", "EMPTY": ""}
    said = [
        keep_references(text, environ) for text in ("k-${A}", "${A:-2}", "${EMPTY:-2}", "${N:-3}")
    ]
    assert said == ["k-${A}", "${A}", "2", "3"]
