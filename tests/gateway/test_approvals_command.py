"""`manage.py approvals`: the same verbs, for whoever may run commands."""

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from gateway.models import Approval, Question
from tests.approving import SUM, approver, confirm, decided, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add", "write_note")
    return approver()


@pytest.fixture
def approval(cast, cleo):
    return waiting(cast, cast.dev)


def command(*arguments):
    out = io.StringIO()
    call_command("approvals", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_and_decides(cast, cleo, approval):
    listed = command("--as", cleo.email)
    assert str(approval.pk) in listed
    assert f"dev@example.com: upstream/add {json.dumps(SUM)}" in listed

    said = command("approve", str(approval.pk), "--as", cleo.email)

    assert said == "upstream/add for Dev is approved.\n"
    assert decided() == [("approval.given", "ok", "", "cleo@example.com")]
    assert command("--as", cleo.email) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["approve", "--as", "cleo@example.com"], "Name the approval by its id"),
        (["approve", "7", "--as", "cleo@example.com"], "Name the approval by its id"),
        (["refuse", str(uuid.uuid4()), "--as", "cleo@example.com"], "not_found"),
        (["approve", "OWN", "--as", "dev@example.com"], "not_allowed"),
    ],
)
def test_the_command_says_what_it_cannot_do(cast, cleo, approval, arguments, message):
    named = [str(approval.pk) if one == "OWN" else one for one in arguments]

    with pytest.raises(CommandError, match=message):
        command(*named)


def test_asking_on_the_command_line_ends_with_how_to_approve(cast, upstream, cleo, capsys):
    confirm("get_time")

    with pytest.raises(CommandError, match="waits for somebody's approval"):
        call_command("ask", "What is the time now in UTC?", "--as", "dev@example.com")

    named = Approval.objects.get().pk
    assert f"manage.py approvals approve {named} --as" in capsys.readouterr().out.replace("\n", " ")
    assert Question.objects.get().state == "waiting"
