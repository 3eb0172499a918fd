"""The admin's site: everybody's login, a policy of its own, the navigation one may see."""

import pytest

from audit.models import Entry
from omni2.site import sidebar
from tests.admin_pages import staff

pytestmark = pytest.mark.django_db


def test_the_content_policy_is_relaxed_under_admin_alone(client, cast):
    client.force_login(cast.ada)
    admin, page = (client.get(path)["Content-Security-Policy"] for path in ("/admin/", "/"))

    assert "script-src 'self' 'unsafe-eval';" in f"{admin};"
    assert "'unsafe-inline'" not in admin.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'none'" in admin
    assert "unsafe" not in page


def test_the_admin_sends_to_everybodys_login_and_records_its_logout(client, cast):
    response = client.get("/admin/registry/tool/", follow=True)
    assert response.redirect_chain[-1][0] == "/login/?next=/admin/registry/tool/"

    client.force_login(cast.ada)
    client.post("/admin/logout/")
    assert Entry.objects.get(kind="auth.logout").person == "ada@example.com"
    assert client.get("/admin/").status_code == 302


def titles(request):
    return {group["title"]: [one["title"] for one in group["items"]] for group in sidebar(request)}


def test_the_navigation_shows_what_one_may_see(rf, cast):
    request = rf.get("/admin/")
    request.user = cast.ada
    assert list(titles(request)) == ["Ask", "Registry", "People & policy", "Record"]

    request.user = staff(cast.dev, "registry.view_tool", "audit.view_entry")
    assert titles(request) == {
        "Ask": ["Ask a question", "Overview"],
        "Registry": ["Tools"],
        "Record": ["Entries"],
    }


def test_every_page_of_the_navigation_opens(client, rf, cast):
    request = rf.get("/admin/")
    request.user = cast.ada
    client.force_login(cast.ada)

    links = [str(item["link"]) for group in sidebar(request) for item in group["items"]]

    assert {client.get(link).status_code for link in links} == {200}
    assert len(links) == 33
