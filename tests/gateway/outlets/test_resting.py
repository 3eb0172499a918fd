"""How an outlet fares, before it has done anything."""

from datetime import timedelta

from django.utils import timezone

from audit.models import Follower
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


def test_how_far_one_came_is_forgotten_a_week_after_it_was_switched_off(settings, db):
    settings.SIEM_URL, settings.EXPORT_FOLDER = "", "/somewhere"
    long_ago = timezone.now() - timedelta(days=8)
    for name in ("siem", "files", "alerts"):
        Follower.objects.create(name=name, moved_at=long_ago)
    assert resting.forget_unused() == 1
    assert set(Follower.objects.values_list("name", flat=True)) == {"files", "alerts"}

    settings.EXPORT_FOLDER = ""
    Follower.objects.update(moved_at=timezone.now() - timedelta(days=6))
    assert resting.forget_unused() == 0
