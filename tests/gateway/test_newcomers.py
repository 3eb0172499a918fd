"""Those who wait, from the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.models import Entry

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("newcomers", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def waiting(cast) -> User:
    return User.objects.create_user("new@example.com", name="New", status=User.Status.PENDING)


def test_they_are_listed_let_in_and_kept_out(waiting):
    assert run("list") == "new@example.com  New  no role\n"
    said = run("approve", "New@example.com", "--role", "viewer", "--author", "boss")
    assert said == "new@example.com is Active.\n"
    assert run("list") == ""
    assert User.objects.get(pk=waiting.pk).role.name == "viewer"
    assert Entry.objects.get().person == "boss"

    User.objects.filter(pk=waiting.pk).update(status="pending")
    assert run("reject", "new@example.com") == "new@example.com is Suspended.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["approve"], "Nobody called '' waits for approval."),
        (["approve", "sue@example.com"], "Nobody called 'sue@example.com' waits for approval."),
        (["approve", "new@example.com", "--role", "x"], "There is no role called 'x'."),
    ],
)
def test_what_is_wrong_is_said(waiting, words, said):
    with pytest.raises(CommandError, match=said):
        run(*words)

    assert User.objects.get(pk=waiting.pk).status == "pending"
