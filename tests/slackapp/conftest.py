"""Slack as a fake that speaks real HTTP, and people it knows."""

from collections.abc import Iterator
from typing import Any

import pytest

from slackapp.app import handler
from tests.cast import Cast
from tests.fakes import slack_api
from tests.fakes.slack_api import FakeSlack
from tests.settling import settle
from tests.slackapp.signing import SECRET


@pytest.fixture(scope="session")
def slack_server() -> Iterator[FakeSlack]:
    """One fake for the whole session."""
    with slack_api.serve() as running:
        yield running


@pytest.fixture
def slack(
    slack_server: FakeSlack, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeSlack]:
    """The fake, empty, with OMNI2 set up to use it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    settings.SLACK_API_URL = slack_server.url
    settings.SLACK_BOT_TOKEN = slack_api.TOKEN
    settings.SLACK_SIGNING_SECRET = SECRET
    slack_server.forget()
    yield slack_server
    let_threads_end()


def let_threads_end() -> None:
    """Wait for what requests have left running, so that it does not meet the next test."""
    if handler.cache_info().currsize:
        handler(SECRET).app.listener_runner.listener_executor.shutdown()
        handler.cache_clear()
    settle()


@pytest.fixture
def linked(cast: Cast) -> Cast:
    """The cast, with Dev, Ada and Sue known to Slack."""
    for person, user in ((cast.dev, "U0DEV"), (cast.ada, "U0ADA"), (cast.sue, "U0SUE")):
        person.slack_team_id, person.slack_user_id = slack_api.TEAM, user
        person.save()
    return cast
