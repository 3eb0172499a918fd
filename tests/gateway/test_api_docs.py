"""The page of the API: people are led to it, programs are told what they lack."""

import pytest

pytestmark = pytest.mark.django_db

DOCS = "/api/docs"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def test_a_browser_without_a_session_is_led_to_the_login_page_and_back(client):
    page = client.get(DOCS, headers={"Accept": BROWSER})
    assert (page.status_code, page["Location"]) == (302, "/login/?next=/api/docs")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": BROWSER, "Authorization": "Bearer omni2_no_such_key"},
    ],
)
def test_a_program_without_a_good_key_is_told_so(client, headers):
    assert client.get(DOCS, headers=headers).status_code == 401


def test_who_is_logged_in_reads_it_and_finds_the_way_back(client, cast):
    client.force_login(cast.dev)
    page = client.get(DOCS, headers={"Accept": BROWSER})

    assert page.status_code == 200
    assert '<a href="/">Back to the questions</a>' in page.content.decode()
