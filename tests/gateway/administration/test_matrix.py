"""The access matrix over REST, and the admin's page of it: who sees them."""

import pytest

from accounts.models import Role
from tests.admin_pages import staff

PATH = "/api/admin/policy/matrix"
PAGE = "/admin/access-matrix/"


@pytest.mark.parametrize("right", ["can_view_audit_logs", "can_manage_users"])
def test_either_right_lets_in_and_none_does_not(upstream, cast, client_of, right):
    client = client_of(cast.guest, scopes=["admin"])
    assert [client.get(path).status_code for path in (PATH, f"{PATH}.csv")] == [403, 403]

    Role.objects.filter(name="viewer").update(**{right: True})
    assert [client.get(path).status_code for path in (PATH, f"{PATH}.csv")] == [200, 200]
    assert client_of(cast.guest).get(PATH).json()["error"]["code"] == "scope"


def test_the_matrix_of_two_people(upstream, cast, client_of):
    client = client_of(cast.ada, scopes=["admin"])
    told = client.get(PATH, {"of": "people", "who": ["dev@example.com", "guest@example.com"]})
    columns = [one["name"] for one in told.json()["columns"]]
    assert columns == ["dev@example.com", "guest@example.com"]
    [server] = told.json()["servers"]
    rows = {
        row["tool"]: [told.json()["cells"][place]["verdict"] for place in row["cells"]]
        for row in server["tools"]
    }
    assert (rows["get_time"], rows["write_note"]) == (["allow", "deny"], ["deny", "deny"])


def test_the_table_for_spreadsheets_is_a_download(upstream, cast, client_of):
    answer = client_of(cast.ada, scopes=["admin"]).get(f"{PATH}.csv", {"search": "get_time"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "access-matrix.csv" in answer["Content-Disposition"]
    lines = answer.content.decode().splitlines()
    assert (lines[0], len(lines)) == ("server,tool,admin,developer,viewer", 2)


def test_what_is_wrong_is_told_with_its_field(upstream, cast, client_of):
    answer = client_of(cast.ada, scopes=["admin"]).get(PATH, {"who": "nobody"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "role")


def test_the_page_is_for_staff_with_a_right(client, upstream, cast):
    client.force_login(staff(cast.guest))
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()

    Role.objects.filter(name="viewer").update(can_view_audit_logs=True)
    assert client.get(PAGE).status_code == 200
    assert PAGE in client.get("/admin/").content.decode()
    client.force_login(cast.dev)
    assert client.get(PAGE).status_code == 302


def test_the_page_shows_hostile_names_as_text(client, upstream, cast):
    Role.objects.create(name="odd", display_name="<script>alert(1)</script>")
    client.force_login(cast.ada)
    assert "<script>alert(1)" not in client.get(PAGE).content.decode()
