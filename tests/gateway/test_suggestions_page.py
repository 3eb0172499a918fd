"""The page of what nobody used: who sees it, what it says, the file of what is chosen."""

import pytest
import yaml
from django.utils.html import escape

from accounts.least_privilege.proof import Found
from accounts.models import Role
from tests.gateway.using import use_little

pytestmark = pytest.mark.django_db

PLACE = "/admin/least-privilege/"


@pytest.fixture
def used(cast, upstream, client_of):
    use_little(cast, client_of)
    return cast


def auditor(cast, **rights):
    cast.dev.role = Role.objects.create(name="auditor", **rights)
    cast.dev.save()
    return cast.dev


def test_it_says_in_words_what_could_be_less_and_why(client, used):
    client.force_login(used.ada)
    page = client.get(PLACE, {"days": "30"})
    found = page.context["found"]

    assert isinstance(found, Found)
    assert [(part.title, len(part.suggestions)) for part in page.context["parts"]] == [
        ("Wildcards that could be the tools used", 2)
    ]
    said = page.content.decode()
    for one in found.suggestions:
        assert escape(one.evidence()) in said and escape(one.change) in said
    assert 'action="/admin/policy-draft/"' in said
    assert escape(found.remark()) in said


def test_whoever_reads_the_record_sees_it_and_no_way_to_the_draft(client, used):
    client.force_login(auditor(used, can_view_audit_logs=True))
    page = client.get(PLACE)
    assert page.status_code == 200
    assert b"/admin/policy-draft/" not in page.content
    assert b"A super admin puts the file in force" in page.content


def test_nobody_else_does_whatever_they_may_administer(client, used):
    others = {
        flag.name: flag.name != "can_view_audit_logs"
        for flag in Role._meta.fields
        if flag.name.startswith("can_")
    }
    client.force_login(auditor(used, **others))
    assert [client.get(PLACE).status_code, client.post(PLACE).status_code] == [403, 403]
    assert PLACE not in client.get("/admin/").content.decode()


def test_the_file_holds_what_is_chosen(client, used):
    client.force_login(used.ada)
    role, person = client.get(PLACE).context["found"].suggestions

    one = client.post(PLACE, {"days": "90", "id": person.id})
    both = client.post(PLACE, {"days": "90", "id": [role.id, person.id]})
    none = client.post(PLACE, {"days": "90"})

    assert one["Content-Disposition"] == 'attachment; filename="policy.yaml"'
    assert list(yaml.safe_load(one.content)) == ["people"]
    assert list(yaml.safe_load(both.content)) == ["mcps", "people"]
    assert none.content == b""


def test_what_is_suggested_no_more_is_looked_for_again(client, used):
    client.force_login(used.ada)
    answer = client.post(PLACE, {"days": "30", "id": "0123456789ab"}, follow=True)
    assert answer.redirect_chain == [(f"{PLACE}?days=30", 302)]
    assert "is not suggested, or no longer. Look again." in answer.content.decode()


def test_a_time_that_is_none_is_the_usual_one(client, cast):
    client.force_login(cast.ada)
    times = {said: client.get(PLACE, {"days": said}) for said in ("30", "", "0", "-1", "x")}
    assert [page.context["days"] for page in times.values()] == [30, 90, 90, 90, 90]
    assert "No call is on record in this time, so nothing is suggested" in (
        times["30"].content.decode()
    )
