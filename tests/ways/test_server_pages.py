"""Servers in a real browser: looked at by their address, registered by a click, or turned away."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ways.browsing import ADA, PHONE, needs_browser, overflow

PROBE = "/admin/registry/server/probe"

pytestmark = needs_browser


def look_at(page: Page, address: str) -> None:
    page.get_by_label("Address").fill(address)
    page.get_by_role("button", name="Probe").click()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_what_an_address_has_is_shown_before_anything_is_registered(visit, home, options):
    page = visit(PROBE, ADA, **options)
    look_at(page, home.upstream.url)

    found = page.get_by_role("region", name="What was found")
    expect(found.get_by_role("heading")).to_have_text("9 tools found")
    expect(found).to_contain_text("2026-07-28")
    expect(found).to_contain_text("none needed")
    tools = page.get_by_role("region", name="Tools").get_by_role("article")
    expect(tools).to_have_count(9)
    expect(tools.filter(has_text="delete_everything")).to_contain_text("may destroy")
    assert overflow(page) == 0


def test_it_is_registered_by_a_click_and_its_tools_are_there(visit, home):
    page = visit(PROBE, ADA)
    look_at(page, home.upstream.url)
    page.locator("#id_name").fill("again")
    page.get_by_role("button", name="Register it").click()

    expect(page.get_by_text("again is registered.")).to_be_visible()
    expect(page.get_by_text("of its tools are offered")).to_be_visible()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("ftp://example.com/mcp", "http"),
        ("http://127.0.0.1:1/mcp", "127.0.0.1"),
    ],
)
def test_an_address_that_may_not_be_dialled_is_turned_away_with_the_reason(
    visit: Any, address: str, said: str
) -> None:
    page = visit(PROBE, ADA)
    look_at(page, address)

    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.get_by_label("Address")).to_have_value(address)
    expect(page.get_by_role("button", name="Register it")).to_have_count(0)
