"""Bolt, as the Django view uses it."""

import logging
from functools import lru_cache

from slack_bolt import App
from slack_bolt.adapter.django import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from slackapp import listeners, receiving

# Below ERROR, Bolt writes whole bodies into its log, and in them response URLs that let one post.
log = logging.getLogger("slackapp.bolt")
log.setLevel(logging.ERROR)


@lru_cache(maxsize=1)
def handler(signing_secret: str) -> SlackRequestHandler:
    """The handler of this process for this secret, made on first use."""
    return SlackRequestHandler(make(signing_secret))


def make(signing_secret: str) -> App:
    """The Bolt app with all its listeners; making it and acknowledging never call Slack.

    Acknowledgements run in the thread of the request (`process_before_response`), so that they
    never wait behind lazy listeners that are slow because the broker is.
    """
    app = App(
        name="omni2",
        logger=log,
        signing_secret=signing_secret,
        client=WebClient(logger=log),
        authorize=_authorize,
        token_verification_enabled=False,
        # Answered before the signature is checked, which here nothing may be.
        ssl_check_enabled=False,
        process_before_response=True,
    )
    app.use(receiving.let_in_once)
    listeners.register(app)
    return app


def _authorize(
    enterprise_id: str | None, team_id: str | None, user_id: str | None
) -> AuthorizeResult:
    """Spare Bolt its call of `auth.test`: who may do what is decided from our own tables, later."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id)
