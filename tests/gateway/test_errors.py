"""The tree of errors is the one its docstring draws, and no two share a code."""

import re

from gateway import errors

DRAWN = re.findall(r"^([│├└─ ]*)(\w+) +(\d{3})  (\w+)", errors.__doc__ or "", re.MULTILINE)


def tree(base: type[errors.GatewayError]) -> set[type[errors.GatewayError]]:
    return {base}.union(*(tree(child) for child in base.__subclasses__()))


def drawn_parents() -> dict[str, str]:
    """Each drawn class and the one it hangs on: four characters further out."""
    parents, last = {}, {}
    for branch, name, _, _ in DRAWN:
        level = len(branch) // 4
        last[level] = name
        parents[name] = last.get(level - 1, "Exception")
    return parents


def test_the_docstring_draws_every_class_with_its_code_status_and_parent():
    ours = [one for one in tree(errors.GatewayError) if one.__module__ == "gateway.errors"]

    assert {(name, int(status), code) for _, name, status, code in DRAWN} == {
        (one.__name__, one.status, one.code) for one in ours
    }
    assert drawn_parents() == {one.__name__: one.__base__.__name__ for one in ours}


def test_no_two_classes_share_a_code():
    codes = [one.code for one in tree(errors.GatewayError)]

    assert sorted(codes) == sorted(set(codes))


def test_every_unexpected_error_has_an_id_of_its_own():
    assert len({errors.new_error_id() for _ in range(100)}) == 100
