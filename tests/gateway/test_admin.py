"""The pages of questions and calls: read, never changed."""

import pytest
from django.urls import reverse

from gateway.models import Approval, Call, Conversation, Question, Turn
from tests.admin_pages import furnish, staff, visit

pytestmark = pytest.mark.django_db


def test_every_page_opens_and_to_what_is_recorded_none_can_add(client, cast):
    client.force_login(cast.ada)
    secrets = furnish(cast)
    Call.objects.update(state=Call.State.UNKNOWN)
    pages = visit(client, "gateway", secrets)

    assert len(pages[403]) == 6
    assert all(path.endswith("/add/") for path in pages[403])


def test_a_question_tells_its_whole_story(client, cast):
    furnish(cast)
    client.force_login(cast.ada)
    question = Question.objects.get()

    page = client.get(
        reverse("admin:gateway_question_change", args=(question.pk,))
    ).content.decode()

    assert "Call: shop · search" in page
    assert page.count("U+202E") >= 4
    assert f"/admin/audit/entry/?question={question.pk}" in page


@pytest.mark.parametrize("model", [Question, Call, Turn, Conversation, Approval])
def test_not_even_a_super_admin_changes_or_deletes_them(client, cast, model):
    furnish(cast)
    client.force_login(cast.ada)
    name = f"admin:gateway_{model._meta.model_name}"
    row = model.objects.get()

    for page in ("change", "delete"):
        assert client.post(reverse(f"{name}_{page}", args=(row.pk,)), {}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post(reverse(f"{name}_changelist"), chosen)
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(("permissions", "status"), [((), 403), (("gateway.view_question",), 200)])
def test_who_may_view_questions_sees_them_and_nobody_else(client, cast, permissions, status):
    client.force_login(staff(cast.dev, *permissions))

    assert client.get("/admin/gateway/question/").status_code == status
