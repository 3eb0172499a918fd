"""Questions about the record, asked like any other: by whoever may view it, and by nobody else."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import access
from accounts.models import Role, Rule, ServerGrant, User
from audit import rollup
from audit.models import Entry
from audit.record import Who
from gateway.asker import Asker
from gateway.llm.offline import OfflineModel
from gateway.toolbox import open_for
from registry import own
from tests.audit.counting import ADA, DEV, put, question, refusal
from tests.cast import Cast
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(cast: Cast) -> Cast:
    """The server registered, and an auditor whose role may use it."""
    own.keep()
    role = Role.objects.create(name="auditor", can_view_audit_logs=True)
    Rule.objects.create(
        kind=Rule.Kind.ROLE, server=own.NAME, role="auditor", mode="allow_all", patterns=[]
    )
    cast.guest.role, cast.guest.allowed_mcps = role, "*"
    cast.guest.save()
    access.publish("tests")
    return cast


@pytest.fixture
def week(house: Cast) -> Cast:
    """What happened in the last week, yesterday and this month; it is this month's second half."""
    now = timezone.now()
    monday = now - timedelta(days=now.weekday() + 7)
    put(*question(monday, ADA, calls=[("sales", "revenue")], cost="3"))
    put(*question(monday, ADA, calls=[("crm", "find")], cost="1"))
    failing: dict[str, Any] = {"call_outcome": "failed", "outcome": "failed"}
    put(*question(now - timedelta(days=1), DEV, calls=[("files", "read")], cost="0", **failing))
    put(*question(now, DEV), *question(now, DEV), *question(now, ADA), refusal(now))
    rollup.roll_up()
    return house


def asker(user: User) -> Asker:
    return Asker(user, Who(person=user.email))


@pytest.mark.parametrize(
    ("text", "tool", "arguments", "said"),
    [
        (
            "which tool cost most last week?",
            "most_expensive",
            {"period": "last_week", "by": "tool"},
            "| revenue | sales | 3.0 |",
        ),
        ("what failed yesterday?", "failed", {"period": "yesterday"}, "| files/read |"),
        (
            "who asked most this month?",
            "most_active_people",
            {"period": "this_month"},
            "| dev@example.com |",
        ),
        ("what was refused most today?", "refusals", {"period": "today"}, "| no writing |"),
        ("how healthy are the servers?", "server_health", {}, f"| {own.NAME} | up |"),
    ],
)
def test_a_question_about_the_record_is_answered_from_it(
    week: Cast, text: str, tool: str, arguments: dict[str, str], said: str
) -> None:
    question = asked(week, week.guest, text, OfflineModel())
    (call,) = question.calls.all()
    assert (call.server, call.tool, call.state) == (own.NAME, tool, "done")
    assert call.arguments == arguments
    assert said in question.answer
    called = Entry.objects.get(kind="call.called", call=call.pk)
    assert (called.person, called.outcome, called.layer) == (week.guest.email, "ok", "role")


def test_rest_calls_it_for_whoever_may_view_the_record(week: Cast, client_of: Any) -> None:
    body = {"server": own.NAME, "tool": "cost_summary", "arguments": {"period": "last_week"}}
    answer = client_of(week.guest).post("/api/mcp/tools/call", body, format="json")
    assert answer.status_code == 200
    assert "| total | 4.0 | 2 |" in json.dumps(answer.json())


def test_no_rule_grant_or_bypass_opens_it_to_whoever_may_not_view_the_record(
    week: Cast, client_of: Any
) -> None:
    every = {"server": own.NAME, "mode": "allow_all", "patterns": []}
    Rule.objects.create(kind=Rule.Kind.ROLE, role="developer", **every)
    ServerGrant.objects.create(user=week.dev, server=own.NAME, tools=["*"])
    Role.objects.filter(name="developer").update(can_bypass_tool_restrictions=True)
    access.publish("tests")
    week.dev.refresh_from_db()

    offered = {spec.server for spec in open_for(asker(week.dev)).offered}
    assert own.NAME not in offered
    body = {"server": own.NAME, "tool": "cost_summary", "arguments": {}}
    answer = client_of(week.dev).post("/api/mcp/tools/call", body, format="json")
    assert answer.status_code == 403
    refused = Entry.objects.filter(kind="call.refused", server=own.NAME).first()
    assert (refused.layer, refused.rule) == ("standing", f"can_view_audit_logs for {own.NAME}")

    Role.objects.filter(name="developer").update(can_view_audit_logs=True)
    access.publish("tests")
    assert client_of(week.dev).post("/api/mcp/tools/call", body, format="json").status_code == 200


def test_without_a_rule_the_default_denies_also_whoever_may_view_the_record(week: Cast) -> None:
    Rule.objects.filter(server=own.NAME).delete()
    access.publish("tests")
    assert open_for(asker(week.guest)).offered == ()
    assert len(open_for(asker(week.ada), server=own.NAME).offered) == 10
