"""The dashboard in a real browser: figures that lead on, tables behind charts, any window."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ways.browsing import ADA, PHONE, needs_browser, overflow

PAGE = "/admin/dashboard/"

pytestmark = needs_browser


def test_what_was_asked_is_counted_within_seconds_and_leads_to_its_entries(
    visit: Any, home: Any
) -> None:
    page = visit(PAGE, ADA)
    figure = page.get_by_role("figure", name="Questions")
    for _ in range(20):
        if figure.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(figure).to_be_visible()
    figure.get_by_text("As a table").click()
    expect(figure.get_by_role("row")).to_have_count(8)
    figure.get_by_role("row").last.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/admin/audit/entry/.*kind=question.ended"))
    expect(page.get_by_role("link", name="question.ended").first).to_be_visible()


def test_periods_and_this_moment(visit: Any) -> None:
    page = visit(PAGE, ADA)
    page.get_by_role("link", name="24 hours").click()
    expect(page.get_by_role("link", name="24 hours")).to_have_attribute("aria-current", "page")
    page.get_by_label("From").fill("2026-05-04")
    page.get_by_label("Through").fill("2026-05-05")
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    expect(page.get_by_text("Nothing in this period")).to_be_visible()
    with page.expect_response("**/api/audit/stats/live") as looked:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert looked.value.status == 200


@pytest.mark.parametrize("options", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_the_dashboard_is_no_wider_than_the_window(visit: Any, options: Any) -> None:
    page = visit(PAGE, ADA, **options)
    expect(page.get_by_role("heading", name="Now")).to_be_visible()
    assert overflow(page) == 0
