"""`manage.py access_requests`: the same verbs, for whoever may run commands."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AccessRequest, ServerGrant
from audit.models import Entry

ASK = ("ask", "dev@example.com", "upstream", "write_note", "--reason", "Notes.")


@pytest.fixture(autouse=True)
def _upstream(upstream):
    return upstream


def run(*words):
    out = StringIO()
    call_command("access_requests", *map(str, words), stdout=out)
    return out.getvalue().strip()


def number():
    return AccessRequest.objects.get().pk


def test_asked_listed_granted():
    line = run(*ASK)
    assert line == f"{number()}  dev@example.com asks for write_note on upstream: Notes.  [open]"
    assert run("list") == line

    granted = run("grant", number(), "--as", "ada@example.com", "--days", "2")
    until = ServerGrant.objects.get().expires_at
    assert granted.endswith(f"[granted by ada@example.com until {until:%Y-%m-%d}]")
    assert (run("list"), run("list", "--all")) == ("", granted)
    assert Entry.objects.get(kind=Entry.Kind.GRANT_GIVEN).door == "cli"


def test_refused_and_withdrawn():
    run(*ASK)
    refused = run("refuse", number(), "--as", "ada@example.com", "--answer", "No need.")
    assert refused.endswith("[refused by ada@example.com] (No need.)")

    AccessRequest.objects.all().delete()
    run(*ASK)
    assert "[withdrawn by dev@example.com]" in run("withdraw", number(), "--as", "dev@example.com")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("grant", "{number}", "--as", "dev@example.com"), "Nobody decides on their own request."),
        (("grant", "{number}", "--as", "guest@example.com"), "There is no such request."),
        (("grant", "{number}", "--as", "ada@example.com", "--days", "0"), "ends in the future"),
        (("grant", "{number}", "--as", "ada@example.com", "--days", "9999999"), "at most 90 days"),
        (ASK, "is still open"),
        (("ask", "x@example.com", *ASK[2:]), "There is no person x@example.com."),
        (("ask", "dev@example.com", "Upstream", *ASK[3:]), "Did you mean upstream?"),
    ],
)
def test_what_cannot_be_is_said(words, message):
    run(*ASK)
    words = [word.format(number=number()) for word in words]
    with pytest.raises(CommandError, match=message.replace("?", r"\?")):
        run(*words)
    assert ServerGrant.objects.count() == 0
