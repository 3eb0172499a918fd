"""`manage.py roll_up`: up to date, or from the beginning."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.models import Rollup
from tests.audit.counting import NOON, happened, put, question

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("roll_up", *arguments, stdout=out)
    return out.getvalue()


def questions() -> int:
    return Rollup.objects.get(dimension="total", granularity="day").questions


def test_what_is_new_is_added_up() -> None:
    put(*question(NOON))
    assert told() == "1 blocks added up\n"
    assert told() == "0 blocks added up\n"
    assert questions() == 1


def test_a_rebuild_begins_anew() -> None:
    put(*question(NOON))
    told()
    Rollup.objects.update(questions=99)
    assert told("--rebuild") == "1 blocks added up\n"
    assert questions() == 1


def test_a_rebuild_that_would_lose_something_says_how_to_have_it_so() -> None:
    put(*question(NOON), happened(NOON, "record.pruned", "ok"))
    with pytest.raises(CommandError, match=r"were pruned.*--without-pruned"):
        told("--rebuild")
    with pytest.raises(CommandError, match="goes with --rebuild"):
        told("--without-pruned")
    assert told("--rebuild", "--without-pruned") == "1 blocks added up\n"
