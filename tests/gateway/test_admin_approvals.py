"""Approvals in the admin: shown with what would be done, decided by whoever may."""

import pytest
from django.urls import reverse

from accounts.models import Role, User
from audit.models import Entry
from tests.admin_pages import HOSTILE, staff
from tests.approving import approver, confirm, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cleo(upstream):
    confirm("add", "write_note")
    return approver()


@pytest.fixture
def approval(cast, cleo):
    return waiting(cast, cast.dev)


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


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("ada", ["You asked for this yourself; somebody else has to decide."]),
        ("guest", ["You may not decide on other people's calls."]),
        ("cleo", []),
    ],
)
def test_whoever_cannot_decide_is_told_why(client, cast, cleo, who, said):
    mine = waiting(cast, cast.ada)
    cast.guest.role = Role.objects.create(name="auditor", can_view_audit_logs=True)
    client.force_login(staff({"ada": cast.ada, "guest": cast.guest, "cleo": cleo}[who]))
    address = reverse("admin:gateway_approval_change", args=(mine.pk,))

    page = client.get(address)
    assert [str(one) for one in page.context["messages"]] == said
    assert (deed(mine, "approve") in page.content.decode()) is (who == "cleo")
    assert "Secrets in it are left out." in page.content.decode()
    mine.close(mine.State.CANCELLED)
    assert [str(one) for one in client.get(address).context["messages"]] == []


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
