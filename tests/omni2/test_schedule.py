"""Jobs run again and again; one that fails or takes its time stops neither itself nor another."""

import logging
import threading
import time

import pytest
from celery import Celery

from omni2 import schedule, tasks
from omni2.schedule import Job, Scheduler


class Counted:
    """A verb that says when it has been called often enough."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.left, self.error = times, error
        self.enough = threading.Event()

    def __call__(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.enough.set()
        if self.error is not None:
            raise self.error


@pytest.fixture
def run():
    """Start a scheduler of these jobs; it is stopped with the test."""
    started = []

    def start(*jobs: Job) -> Scheduler:
        scheduler = Scheduler(list(jobs))
        scheduler.start()
        started.append(scheduler)
        return scheduler

    yield start
    for scheduler in started:
        scheduler.stop()


def test_a_job_that_fails_goes_on_and_stops_no_other(run, caplog):
    broken, sound = Counted(3, RuntimeError("no such luck")), Counted(3)

    with caplog.at_level(logging.ERROR, "omni2.schedule"):
        run(Job("broken", 0.001, broken), Job("sound", 0.001, sound))
        assert broken.enough.wait(5) and sound.enough.wait(5)

    assert {record.job for record in caplog.records} == {"broken"}
    assert {str(record.exc_info[1]) for record in caplog.records} == {"no such luck"}


def test_a_job_that_hangs_delays_no_other_and_is_never_begun_twice(run):
    release, begun = threading.Event(), []
    sound = Counted(5)

    def hang() -> None:
        begun.append(1)
        release.wait(5)

    scheduler = run(Job("hanging", 0.001, hang), Job("sound", 0.001, sound))
    assert sound.enough.wait(5)
    begun_so_far = len(begun)
    release.set()
    scheduler.stop()

    assert begun_so_far == 1


def test_nothing_is_begun_after_stopping(run):
    job = Counted(1)
    scheduler = run(Job("job", 0.001, job))
    assert job.enough.wait(5)

    scheduler.stop()
    left = job.left
    time.sleep(0.01)

    assert job.left == left
    assert [one for one in threading.enumerate() if one.name == "omni2-job"] == []


def test_the_table_names_each_job_once_and_keeps_the_deployments_times(settings):
    settings.MCP_HEALTH_SECONDS, settings.MCP_SYNC_MINUTES = 7, 2

    assert [(job.name, job.seconds) for job in schedule.jobs()] == [
        ("sweep_questions", 5),
        ("expire_approvals", 5),
        ("seal_record", 1),
        ("roll_up", 5),
        ("keep_own_server", 300),
        ("index_record", 1),
        ("check_servers", 7),
        ("sync_tools", 120),
        ("sync_due", 5),
        ("sweep_access", 10),
        ("sweep_accounts", 15),
        ("clear_sessions", 3600),
        ("watch_record", 2),
        ("check_spending", 300),
        ("end_incidents", 60),
        ("deliver_alerts", 2),
        ("forget_notices", 3600),
        ("forward_record", 2),
        ("write_files", 60),
        ("forget_outlets", 3600),
        ("sweep_slack", 5),
        ("post_alerts", 5),
        ("post_head", 60),
        ("anchor_record", 60),
    ]


def test_a_record_that_is_not_anchored_needs_no_job(settings):
    settings.ANCHOR_SECONDS = 0

    assert "anchor_record" not in {job.name for job in schedule.jobs()}


@pytest.mark.django_db
@pytest.mark.parametrize("job", schedule.jobs(), ids=lambda job: job.name)
def test_every_job_has_nothing_to_do_in_an_empty_house(job):
    job.verb()
    tasks.run_job(job.name)


def test_beat_has_every_job_of_the_table():
    app = Celery("tests", set_as_current=False)

    tasks.plan(app)

    assert {
        name: (entry["schedule"], entry["args"]) for name, entry in app.conf.beat_schedule.items()
    } == {job.name: (job.seconds, (job.name,)) for job in schedule.jobs()}
