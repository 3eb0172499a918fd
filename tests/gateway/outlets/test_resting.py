"""How an outlet fares, before it has done anything."""

from gateway.outlets import resting
from gateway.outlets.resting import Fares


def test_one_that_has_never_sent_has_everything_before_it(write):
    write(2)
    fares = resting.fares("new")

    assert (fares.behind_blocks, fares.entries, fares.sent_at, fares.error) == (1, 0, None, "")
    assert not resting.rests("new")


def test_an_error_is_one_line_without_secrets_and_not_too_long(db):
    resting.failed("siem", "Authorization: Bearer abcdefghijklmnop\n" + "x" * 1000)
    error = resting.fares("siem").error

    assert len(error) == 300 and "\n" not in error and "abcdefghijklmnop" not in error


def test_those_are_told_that_the_deployment_has(settings, db):
    settings.SIEM_URL = ""
    assert resting.configured() == []

    settings.SIEM_URL = "https://siem.example.com/"
    assert resting.configured() == [Fares("siem", 0, 0, 0, None, "")]
