"""The command that lists unknown outcomes and settles one."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.gateway.test_outcomes import a_call

pytestmark = pytest.mark.django_db


def run(*words, person="ada@example.com"):
    out = StringIO()
    call_command("outcomes", *words, "--as", person, stdout=out)
    return out.getvalue()


def test_an_outcome_is_listed_and_settled(cast):
    call = a_call(cast, arguments={"text": "\u202e"})
    listed = run()
    assert listed.startswith(str(call.pk)) and 'shop/order {"text": "\\u202e"}' in listed

    said = run("not-carried-out", str(call.pk), "--note", "asked the shop")
    assert said == "shop/order: it was not carried out.\n"
    assert run("list") == "Of every call it is known what became of it.\n"


@pytest.mark.parametrize(
    ("words", "person", "why"),
    [
        (["carried-out"], "ada@example.com", "Name the call by its id"),
        (["carried-out", "x", "--note", "y"], "ada@example.com", "Name the call by its id"),
        (["carried-out", "{call}"], "ada@example.com", "Say how it is known"),
        (["carried-out", "{call}", "--note", "y"], "dev@example.com", "can_approve_calls"),
        (["list"], "dev@example.com", "can_approve_calls"),
    ],
)
def test_what_is_wrong_is_said(cast, words, person, why):
    call = a_call(cast)
    with pytest.raises(CommandError, match=why):
        run(*(word.format(call=call.pk) for word in words), person=person)
