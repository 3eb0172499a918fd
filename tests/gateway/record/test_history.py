"""Everybody's own history, as pages."""

import pytest

pytestmark = pytest.mark.django_db

PAGE = "/history/"


@pytest.fixture
def dev(client, cast, entries):
    client.force_login(cast.dev)
    return client


def test_it_shows_ones_own_and_nothing_of_others(dev, entries):
    page = dev.get(PAGE, {"kind": "call.called"})

    assert [row.entry.pk for row in page.context["rows"]] == [
        entries["elsewhere"].pk,
        entries["devs"].pk,
    ]
    text = page.content.decode()
    assert ("ada@example.com" in text, f"{PAGE}{entries['devs'].pk}" in text) == (False, True)
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_an_entry_of_ones_own_is_shown_whole_and_anothers_is_not_there(dev, entries):
    assert "&quot;Bo&quot;" in dev.get(f"{PAGE}{entries['devs'].pk}").content.decode()
    for path in (f"{PAGE}{entries['adas'].pk}", f"{PAGE}999999", f"{PAGE}{2**70}"):
        assert dev.get(path).status_code == 404


def test_the_person_is_no_filter_here(dev):
    page = dev.get(PAGE, {"person": "ada@example.com"})

    assert (page.status_code, page.context["rows"]) == (400, [])
    assert 'name="person"' not in page.content.decode()


def test_nobody_gets_to_log_in_first(client, entries):
    for path in (PAGE, f"{PAGE}{entries['devs'].pk}"):
        assert client.get(path)["Location"] == f"/login/?next={path}"


def test_the_page_of_questions_leads_there(dev):
    assert f'href="{PAGE}"' in dev.get("/").content.decode()
