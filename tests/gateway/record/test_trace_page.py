"""The page of one question, in the admin and of one's own."""

from uuid import UUID

import pytest

from tests.admin_pages import HOSTILE, staff
from tests.gateway.record.conftest import written
from tests.ways.asking import put

pytestmark = pytest.mark.django_db

QUESTION = "6f1c1a3e-0000-4000-8000-000000000000"
ADMIN, OWN = f"/admin/questions/{QUESTION}/", f"/history/questions/{QUESTION}"


@pytest.fixture
def question(cast, entries):
    """A question of Dev's with one call, all of its texts hostile."""
    facts = {"question": QUESTION, "server": "crm", "tool": HOSTILE, "call": "c1"}
    return [
        written(
            cast.dev.email, "question.accepted", question=QUESTION, detail={"question": HOSTILE}
        ),
        written(cast.dev.email, "call.calling", arguments={"a": HOSTILE}, **facts),
        written(cast.dev.email, "call.called", result=HOSTILE, milliseconds=5, **facts),
        written(cast.dev.email, "question.ended", question=QUESTION, result=HOSTILE),
    ]


def test_who_may_view_the_record_sees_it_in_the_admin_and_nobody_else(client, cast, question):
    client.force_login(staff(cast.guest))
    assert client.get(ADMIN).status_code == 403
    client.force_login(staff(cast.guest, "audit.view_entry"))

    page = client.get(ADMIN)

    text = page.content.decode()
    assert f'href="/admin/audit/entry/{question[1].pk}/change/"' in text
    assert f'href="/admin/audit/entry/?question={QUESTION}"' in text
    assert ("<script>alert" in text, "<img src=x" in text, "U+202E" in text) == (False, False, True)
    assert client.get(f"/admin/questions/{UUID(int=7)}/").status_code == 404


def test_who_asked_sees_their_own_with_ways_to_their_own_entries(client, cast, question):
    client.force_login(cast.dev)
    text = client.get(OWN).content.decode()

    assert f'href="/history/{question[1].pk}"' in text
    assert (f'href="/history/?question={QUESTION}"' in text, "/admin/" in text) == (True, False)
    assert "<script>alert" not in text
    client.force_login(cast.ada)
    assert client.get(OWN).status_code == 404


def test_it_leads_back_to_the_conversation_while_that_is_there(client, cast, question):
    client.force_login(cast.dev)
    assert "Back to the conversation" not in client.get(OWN).content.decode()

    row = put(cast, cast.dev, "How many?")

    page = client.get(f"/history/questions/{row.pk}").content.decode()
    assert f'<a href="/conversation/{row.conversation_id}">Back to the conversation</a>' in page


def test_entries_lead_to_it(client, cast, question):
    client.force_login(cast.dev)
    assert OWN in client.get("/history/").content.decode()
    assert OWN in client.get(f"/history/{question[2].pk}").content.decode()
    client.force_login(cast.ada)
    assert ADMIN in client.get("/admin/audit/entry/").content.decode()


def test_a_step_that_took_no_time_says_so_and_not_when_it_began(client, cast, question):
    turn = {"question": QUESTION, "milliseconds": 0, "detail": {"turn": 1}}
    written(cast.dev.email, "model.turn", **turn)
    client.force_login(cast.dev)

    page = client.get(OWN)

    assert "0 ms" in [line.took for line in page.context["lines"]]
    assert "<span>0 ms</span>" in page.content.decode()
