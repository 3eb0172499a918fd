"""Somebody whom Slack knows and we do not: let in where a rule names their workspace."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from accounts import provisioning
from accounts.models import User
from accounts.provisioning import Newcomer
from audit.record import Who
from slackapp import posting
from slackapp.commands import Command

log = logging.getLogger(__name__)
# What Slack says of accounts that are no full members of the workspace they speak in.
NOT_A_MEMBER = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")


def let_in(command: Command, who: Who) -> User | None:
    """The person made for a full member of a workspace with a rule; None for everybody else.

    Raises one of `posting.UNREACHED` when Slack cannot say just now who it is.
    """
    newcomer = Newcomer.of_slack(command.team, command.user)
    if not command.team or not command.user or provisioning.rule_for(newcomer) is None:
        return None
    profile = _profile(command.user)
    if profile.get("team_id") != command.team or any(profile.get(one) for one in NOT_A_MEMBER):
        return None
    name = str(profile.get("real_name") or profile.get("name") or "")
    return provisioning.enter(Newcomer.of_slack(command.team, command.user, name), who=who)


def _profile(user: str) -> Mapping[str, Any]:
    """What Slack says of the user; nothing when it says for good that it will not."""
    try:
        found: Mapping[str, Any] = posting.client().users_info(user=user)["user"]
    except SlackApiError as error:
        why = posting.trouble(error)
        if not why.final:
            raise
        log.warning("a newcomer could not be looked up (scope users:read?): %s", why.message)
        return {}
    return found
