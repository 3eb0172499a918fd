"""The form of a call: written, and read back only when it is one."""

import json

import pytest

from gateway.llm import forms
from gateway.llm.base import ToolSpec

TOOL = ToolSpec("crm__find", "Find.", {}, server="crm", tool="find")
FORM = {"server": "crm", "tool": "find", "arguments": {"name": "Ada", "limit": 5}}


def test_what_is_written_is_read_back() -> None:
    written = forms.write(TOOL, {"limit": 5}, ["name"])
    assert forms.read(written, [TOOL]) == forms.Form(
        TOOL, {"limit": 5, "name": "<name>"}, ("name",)
    )
    assert forms.read(json.dumps(FORM), [TOOL]) == forms.Form(TOOL, FORM["arguments"], ())


@pytest.mark.parametrize(
    "question",
    [
        "",
        "find Ada",
        "[]",
        "{}",
        "7",
        f"please: {json.dumps(FORM)}",
        json.dumps(FORM | {"more": 1}),
        json.dumps(FORM | {"arguments": "all"}),
        json.dumps(FORM | {"tool": ["find"]}),
        json.dumps(FORM | {"server": "another"}),
        json.dumps(FORM)[:-1] + ', "tool": "find"}',
        json.dumps(FORM).replace("5", "NaN"),
        "[" * 100_000,
    ],
)
def test_anything_else_is_a_question(question: str) -> None:
    assert forms.read(question, [TOOL]) is None
