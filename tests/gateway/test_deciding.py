"""Who may say yes or no, through which door, and what is said of it."""

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from audit.models import Entry
from gateway import deciding, errors
from gateway.llm.scripted import ScriptedModel, uses
from gateway.models import Approval, Question
from tests.admin_pages import HOSTILE, staff
from tests.approving import SUM, approver, confirm, say, waiting
from tests.ways.asking import asked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add", "write_note")
    return approver()


@pytest.fixture
def approval(cast, cleo):
    return waiting(cast, cast.dev)


def decided():
    found = Entry.objects.filter(kind__in=["approval.given", "approval.refused"]).order_by("pk")
    return [(one.kind, one.outcome, one.error_code, one.person) for one in found]


# --- Who ------------------------------------------------------------------------------------------
def make_approver(user, **fields):
    role, _ = Role.objects.get_or_create(name="approver", can_approve_calls=True)
    for name, value in {"role": role, **fields}.items():
        setattr(user, name, value)
    user.save()
    return user


def test_a_person_with_the_right_and_a_super_admin_may_decide(cast, cleo, approval):
    assert say(cast, cleo, approval).state == "approved"
    assert say(cast, cast.ada, waiting(cast, cast.dev, {"a": 2, "b": 2})).state == "approved"


@pytest.mark.parametrize("approve", [True, False])
def test_nobody_decides_on_their_own_call(cast, upstream, cleo, approve):
    mine = waiting(cast, cast.ada)

    with pytest.raises(errors.NotAllowed, match="their own"):
        say(cast, cast.ada, mine, approve=approve)

    mine.refresh_from_db()
    kind = "approval.given" if approve else "approval.refused"
    assert mine.state == "waiting"
    assert decided() == [(kind, "failed", "not_allowed", "ada@example.com")]


def test_who_asked_and_has_the_right_may_still_not_decide(cast, cleo, approval):
    dev = make_approver(cast.dev)

    with pytest.raises(errors.NotAllowed):
        say(cast, dev, approval)


def test_whoever_has_no_right_knows_of_no_approval(cast, approval):
    for approval_id in (approval.pk, uuid.uuid4()):
        with pytest.raises(errors.NotFound, match="no such approval"):
            say(cast, cast.guest, approval_id)


@pytest.mark.parametrize(
    "fields", [{"status": "suspended"}, {"status": "pending"}, {"is_active": False}]
)
def test_whoever_may_not_act_may_not_decide(cast, approval, fields):
    with pytest.raises(errors.NotFound):
        say(cast, make_approver(cast.guest, **fields), approval)


# --- When -----------------------------------------------------------------------------------------
def test_the_first_decision_counts_and_the_second_hears_of_it(cast, cleo, approval):
    say(cast, cleo, approval, approve=False)

    with pytest.raises(errors.AlreadyDecided, match="refused by cleo@example.com already"):
        say(cast, cast.ada, approval)
    assert decided() == [("approval.refused", "refused", "", "cleo@example.com")]


def test_too_late_is_too_late_also_before_anybody_noticed(cast, cleo, approval):
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(errors.AlreadyDecided, match="too late"):
        say(cast, cleo, approval)
    assert decided() == []


def test_a_yes_holds_for_minutes_and_a_question_for_one_for_hours(cast, cleo, approval, settings):
    left = approval.expires_at - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=settings.APPROVAL_HOURS)

    left = say(cast, cleo, approval).expires_at - timezone.now()

    assert timedelta(minutes=9) < left <= timedelta(minutes=settings.APPROVAL_USE_MINUTES)


def test_a_reason_has_an_end(cast, cleo, approval):
    with pytest.raises(errors.BadRequest) as caught:
        deciding.decide(approval.pk, approve=True, asker=cast.asker(cleo), reason="x" * 2001)
    assert caught.value.field == "reason"


# --- REST -----------------------------------------------------------------------------------------
def test_over_rest_a_call_is_refused_approved_made_and_read_again(cast, upstream, cleo, client_of):
    dev, by = client_of(cast.dev), client_of(cleo, scopes=["approve"])
    call = {"server": "upstream", "tool": "add", "arguments": SUM}

    first = dev.post("/api/mcp/tools/call", call, format="json")
    told = first.json()["error"]
    assert (first.status_code, told["code"]) == (403, "needs_approval")
    named, url = told["approval"]["id"], told["approval"]["url"]
    [shown] = by.get("/api/approvals").json()["to_decide"]
    assert (shown["id"], shown["person"], shown["arguments"], shown["rule"]) == (
        named, "dev@example.com", SUM, "require_confirmation.actions: add",
    )  # fmt: skip

    yes = by.post(f"{url}/decide", {"decision": "approve", "reason": "ok"}, format="json")
    assert (yes.status_code, yes.json()["state"], yes.json()["decided_by"]) == (
        200, "approved", "cleo@example.com",
    )  # fmt: skip
    assert by.get("/api/approvals").json()["to_decide"] == []

    made = dev.post("/api/mcp/tools/call", call | {"approval": named}, format="json")
    assert (made.status_code, made.json()["text"]) == (200, '{"sum": 3}')
    again = dev.post("/api/mcp/tools/call", call | {"approval": named}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "approval_invalid")
    assert upstream.calls == [("add", SUM)]

    kept = dev.get(url).json()
    assert (kept["state"], kept["result"]["text"]) == ("used", '{"sum": 3}')
    assert [one["id"] for one in dev.get("/api/approvals").json()["asked"]] == [named]
    assert by.get(url).json()["result"] is None, "the result is for whoever asked"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "decision"),
        ({"decision": "yes"}, 400, "decision"),
        ({"decision": "approve", "reason": 7}, 400, "reason"),
        ({"decision": "approve", "by": "ada"}, 400, "by"),
        ({"decision": "approve", "reason": "x" * 2001}, 400, "reason"),
    ],
)
def test_a_decision_that_is_none_is_refused_by_its_field(
    cast, cleo, approval, client_of, body, status, field
):
    client = client_of(cleo, scopes=["approve"])

    answer = client.post(f"{approval.url}/decide", body, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
    assert decided() == []


def test_a_key_that_was_not_made_for_deciding_decides_nothing_and_sees_only_ones_own(
    cast, cleo, approval, client_of
):
    client = client_of(cast.ada)

    answer = client.post(f"{approval.url}/decide", {"decision": "approve"}, format="json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope")
    assert client.get("/api/approvals").json() == {"asked": [], "to_decide": []}
    assert client.get(approval.url).status_code == 404
    assert client_of(cast.dev).get(approval.url).status_code == 200


def test_a_key_decides_on_its_own_servers_alone(cast, cleo, approval, client_of):
    client = client_of(cleo, scopes=["approve"], servers=["another"])

    answer = client.post(f"{approval.url}/decide", {"decision": "approve"}, format="json")

    assert answer.status_code == 404
    assert client.get("/api/approvals").json()["to_decide"] == []


def test_a_question_that_waits_is_said_to_wait(cast, upstream, cleo, client_of):
    question = asked(
        cast, cast.ada, "note", ScriptedModel([uses(("upstream__write_note", {"text": "x"}))])
    )
    named = question.approvals.get()
    client = client_of(cast.ada)

    body = client.get(f"/api/query/{question.pk}").json()

    assert (body["state"], [one["id"] for one in body["approvals"]]) == ("waiting", [str(named.pk)])


def test_waiting_for_an_answer_ends_with_what_waits_for_approval(cast, upstream, cleo, client_of):
    confirm("get_time")

    response = client_of(cast.dev).post(
        "/api/query", {"question": "What is the time now in UTC?", "wait": True}, format="json"
    )

    body = response.json()
    [needed] = body["approvals"]
    assert (response.status_code, body["state"]) == (202, "waiting")
    assert (needed["tool"], needed["state"]) == ("get_time", "waiting")


# --- The command line -----------------------------------------------------------------------------
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


# --- The admin ------------------------------------------------------------------------------------
def deed(approval, word):
    return reverse(f"admin:gateway_approval_{word}", args=(approval.pk,))


@pytest.mark.parametrize(("word", "state"), [("approve", "approved"), ("refuse", "refused")])
def test_the_admin_shows_what_would_be_done_and_decides(client, cast, cleo, approval, word, state):
    client.force_login(staff(cleo))

    page = client.get(deed(approval, word)).content.decode()
    assert "dev@example.com" in page and "&quot;a&quot;: 1" in page
    assert client.get("/admin/gateway/approval/").status_code == 200
    assert client.post(deed(approval, word), {"reason": "because"}).status_code == 302

    approval.refresh_from_db()
    assert (approval.state, approval.reason, approval.decided_by) == (state, "because", cleo)
    assert client.get(deed(approval, word)).status_code == 403, "there is nothing left to decide"


def test_the_admin_lets_nobody_decide_on_their_own(client, cast, cleo):
    mine = waiting(cast, cast.ada)
    client.force_login(cast.ada)

    assert client.post(deed(mine, "approve"), {}).status_code == 403
    mine.refresh_from_db()
    assert mine.state == "waiting"


def test_staff_without_the_right_sees_no_approvals(client, cast, cleo, approval):
    client.force_login(staff(cast.guest))

    assert client.get("/admin/gateway/approval/").status_code == 403
    assert client.post(deed(approval, "approve"), {}).status_code == 403
    assert User.objects.get(pk=cast.guest.pk).is_staff


def test_what_came_too_late_is_told_on_the_page_and_kept_on_the_record(
    client, cast, cleo, approval
):
    client.force_login(staff(cleo))
    confirm("add", "another")

    page = client.post(deed(approval, "approve"), {"reason": HOSTILE})

    assert "The policy has changed since this was asked." in page.content.decode()
    approval.refresh_from_db()
    assert (approval.state, Entry.objects.filter(kind="approval.expired").count()) == (
        "outdated",
        1,
    )
