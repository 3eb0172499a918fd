"""Somebody whom only Slack knows asks something (T-12)."""

import pytest

from accounts.models import ProvisioningRule, Role, User
from audit.models import Entry
from gateway.models import Question
from slackapp import asking
from tests.fakes.slack_api import TEAM, Planned
from tests.slackapp.test_asking import given, take_up, told

pytestmark = pytest.mark.django_db

MEMBER = {"team_id": TEAM, "real_name": "Newton", "profile": {"email": "dev@example.com"}}
UNKNOWN = asking.UNKNOWN.format(team=TEAM, user="U0NEW")


@pytest.fixture
def rule(linked):
    viewer = Role.objects.get(name="viewer")
    return ProvisioningRule.objects.create(slack_team=TEAM, default_role=viewer)


def newcomer():
    return User.objects.filter(slack_user_id="U0NEW").first()


def test_a_member_of_the_workspace_enters_and_waits_for_approval(rule, slack):
    slack.people["U0NEW"] = MEMBER
    for _ in range(2):
        take_up(given(slack, user_id="U0NEW"))

    person = newcomer()
    assert (person.name, person.status, person.role.name) == ("Newton", "pending", "viewer")
    assert told(slack) == [asking.REFUSALS["entered"], asking.REFUSALS["pending"]]
    assert [(e.kind, e.outcome, e.error_code) for e in Entry.objects.order_by("pk")] == [
        ("person.created", "pending", ""),
        ("auth.refused", "refused", "entered"),
        ("auth.refused", "refused", "pending"),
    ]
    assert Question.objects.count() == 0


def test_where_no_approval_is_needed_the_question_is_asked_at_once(rule, slack):
    ProvisioningRule.objects.update(require_approval=False)
    slack.people["U0NEW"] = MEMBER

    take_up(given(slack, user_id="U0NEW"))

    assert (Question.objects.get().person, told(slack)) == (newcomer(), [])


def test_the_address_in_a_slack_profile_is_nobodys_key(rule, slack):
    slack.people["U0NEW"] = MEMBER

    take_up(given(slack, user_id="U0NEW"))

    assert newcomer().email == f"u0new@{TEAM.lower()}.slack.invalid"
    assert User.objects.get(email="dev@example.com").slack_user_id == "U0DEV"


@pytest.mark.parametrize(
    "profile",
    [
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"is_bot": True},
        {"deleted": True},
        {"team_id": "T0OTHER"},
        {"team_id": None},
        None,
    ],
)
def test_guests_bots_and_strangers_are_refused_and_recorded(rule, slack, profile):
    if profile is not None:
        slack.people["U0NEW"] = MEMBER | profile

    take_up(given(slack, user_id="U0NEW"))

    entry = Entry.objects.get()
    assert (told(slack), newcomer()) == ([UNKNOWN], None)
    assert (entry.kind, entry.error_code, Question.objects.count()) == (
        "auth.refused",
        "unknown",
        0,
    )


@pytest.mark.parametrize("fields", [{"team_id": "T0OTHER"}, {"user_id": ""}, {"bot_id": "B1"}])
def test_nobody_else_is_even_looked_up(rule, slack, fields):
    slack.people["U0NEW"] = MEMBER

    take_up(given(slack, **{"user_id": "U0NEW"} | fields))

    assert (newcomer(), slack.called("users.info"), Question.objects.count()) == (None, [], 0)


def test_without_a_rule_for_the_workspace_nobody_enters(linked, slack):
    ProvisioningRule.objects.create(default_role=Role.objects.get(name="viewer"))
    slack.people["U0NEW"] = MEMBER

    take_up(given(slack, user_id="U0NEW"))

    assert (newcomer(), told(slack), slack.called("users.info")) == (None, [UNKNOWN], [])


def test_a_trouble_of_slack_is_tried_again(rule, slack):
    slack.people["U0NEW"] = MEMBER
    slack.answer_next("users.info", Planned(status=500, body=""))
    request = given(slack, user_id="U0NEW")

    first, second = take_up(request).done_at, take_up(request).done_at

    assert (first, second is not None, newcomer().status) == (None, True, "pending")
