"""What the policy shows in a real browser: the access matrix, and access requested and granted."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ways.browsing import ADA, PHONE, ask, needs_browser, overflow

PAGE = "/admin/access-matrix/"
MS = re.compile(r"\d m?s$")
RULE = "role_restrictions.developer on upstream: allow_only"

pytestmark = needs_browser


@pytest.fixture
def matrix(visit: Any) -> Any:
    """Open the access matrix, and wait for it."""

    def open_matrix(query: str = "", **options: Any) -> Page:
        page: Page = visit(PAGE + query, ADA, **options)
        expect(page.locator("#matrix-table")).to_be_visible()
        return page

    return open_matrix


def cell(page: Page, tool: str, column: str) -> Any:
    names = page.locator("#matrix-table thead th").all_text_contents()
    row = page.locator("tr.omx-tool", has=page.get_by_role("rowheader", name=tool, exact=True))
    return row.locator("td").nth(names.index(column) - 1)


def tools(page: Page) -> list[str]:
    return page.locator("tr.omx-tool th").all_text_contents()


def test_servers_are_closed_until_opened_and_say_how_much_is_open(matrix):
    page = matrix()
    row = page.locator("tr.omx-server", has_text="upstream")
    assert row.locator("td").all_text_contents() == ["9/9", "7/9", "0/9"]
    assert tools(page) == []

    row.get_by_role("button").press("Enter")
    expect(row.get_by_role("button")).to_have_attribute("aria-expanded", "true")
    expect(row.get_by_role("button")).to_be_focused()
    assert len(tools(page)) == 9
    expect(cell(page, "get_time", "developer")).to_have_text("yes")
    expect(cell(page, "write_note", "developer")).to_have_text("no")

    page.get_by_role("button", name="Expand all").click()
    assert "search" in tools(page)
    page.get_by_role("button", name="Collapse all").click()
    assert tools(page) == []


def test_search_and_only_differences_leave_what_fits(matrix):
    page = matrix()
    page.get_by_role("searchbox", name="Search tools").fill("upstream/get")
    expect(page.locator("#matrix-said")).to_contain_text("1 tool on 1 server")
    assert tools(page) == ["get_time"]

    page.get_by_role("searchbox", name="Search tools").fill("")
    page.get_by_text("Which roles").click()
    for role in ("admin", "developer"):
        page.get_by_role("checkbox", name=role).check()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#matrix-table thead th")).to_have_text(["Tool", "admin", "developer"])
    page.get_by_role("checkbox", name="Only differences").check()
    assert tools(page) == ["delete_everything", "write_note"]
    assert "who=admin%2Cdeveloper" in page.url


def test_the_rule_shows_on_hover_and_goes_with_the_pointer(matrix):
    page = matrix()
    page.get_by_role("button", name="Expand all").click()
    panel = page.get_by_role("region", name="The deciding rule")

    cell(page, "get_time", "developer").hover()
    expect(panel).to_contain_text(RULE)
    page.get_by_role("searchbox", name="Search tools").hover()
    expect(panel).to_be_hidden()


def test_the_keyboard_walks_the_cells_and_every_layer_is_told(matrix):
    page = matrix("?of=roles&server=upstream")
    panel = page.get_by_role("region", name="The deciding rule")
    start = cell(page, "echo", "admin")
    start.focus()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "echo", "developer")).to_be_focused()
    expect(panel).to_contain_text("developer: upstream/echo")
    page.keyboard.press("ArrowDown")
    expect(panel).to_contain_text("developer: upstream/fail")

    panel.get_by_role("button", name="All layers").click()
    expect(panel.get_by_role("listitem").first).to_have_text(
        "standing: pass. Person, server and tool take part."
    )
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()

    # Of a cell low on the page the rule stands on top, over the admin's own bar.
    cell(page, "write_note", "developer").click()
    panel.get_by_role("button", name="Close").click(timeout=5_000)
    expect(panel).to_be_hidden()
    expect(cell(page, "write_note", "developer")).to_be_focused()


def test_a_tap_shows_the_rule_on_a_phone(matrix):
    page = matrix("?of=people&server=upstream", **PHONE)
    cell(page, "write_note", "Dev").tap()
    panel = page.get_by_role("region", name="The deciding rule")
    expect(panel).to_contain_text("Dev: upstream/write_note")
    expect(panel).to_contain_text(RULE)
    assert overflow(page) == 0
    panel.get_by_role("button", name="Close").tap()
    expect(panel).to_be_hidden()


def test_what_a_version_changed_is_marked(matrix, home):
    page = matrix()
    page.goto(f"{home.base}/admin/accounts/rule/add/")
    page.locator("[name=kind]").select_option("role")
    for name, text in (("server", "upstream"), ("role", "viewer"), ("mode", "allow_only")):
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=patterns]").fill(json.dumps(["get_*"]))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("allow_only").last).to_be_visible()

    page.goto(f"{home.base}{PAGE}?against=1")
    expect(page.locator("#matrix-said")).to_contain_text("1 tool on 1 server")
    expect(cell(page, "get_time", "viewer")).to_have_text("no → yes")
    cell(page, "get_time", "viewer").click()
    panel = page.get_by_role("region", name="The deciding rule")
    expect(panel).to_contain_text("deny: global.default_effect: deny")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert [line.split(",")[:2] for line in lines] == [
        ["server", "tool"],
        ["upstream", "get_time"],
    ]
    assert "deny → allow: role_restrictions.viewer" in lines[1]


def test_in_the_dark_the_words_stand_out(matrix):
    page = matrix("?server=upstream", color_scheme="dark")
    contrast = page.evaluate(CONTRAST, [".omx-allow", ".omx-deny"])
    assert min(contrast) >= 4.5


def test_access_is_requested_where_it_was_refused_and_granted_in_the_admin(visit):
    page = visit(provoked="409")
    article = ask(page, "Please write it down")
    refused = article.locator(".call", has_text="write_note")
    refused.locator("summary").click()

    refused.get_by_role("button", name="Request access").press("Enter")
    expect(refused.get_by_label("Why do you need write_note?")).to_be_focused()
    page.keyboard.type("To take notes.")
    refused.get_by_role("button", name="Send request").click()
    expect(refused.get_by_role("status")).to_contain_text("Somebody who may decide will")

    # In the panel the page knows; after a reload the house does.
    page.get_by_role("button", name=re.compile("^Your tools")).click()
    page.get_by_text(re.compile("Not open to you")).click()
    row = page.locator(".withheld li", has_text="write_note")
    expect(row.get_by_role("status")).to_contain_text("Requested")
    expect(row.get_by_role("button", name="Request access")).to_be_hidden()
    blocked = page.locator(".withheld li", has_text="delete_everything")
    expect(blocked.get_by_role("button", name="Request access")).to_have_count(0)
    page.reload()
    page.locator(".call", has_text="write_note").locator("summary").click()
    page.get_by_role("button", name="Request access").click()
    page.get_by_label("Why do you need write_note?").fill("Again.")
    page.get_by_role("button", name="Send request").click()
    expect(page.locator(".access [role=status]")).to_contain_text("is still open")

    admin = visit("/admin/accounts/accessrequest/", ADA)
    admin.locator("#result_list tbody tr", has_text="write_note").locator("th a").click()
    admin.locator("a[href$='/grant/']").first.click()
    admin.get_by_label("Days").fill("3")
    admin.get_by_role("button", name="Grant", exact=True).click()
    expect(admin.get_by_text("may use write_note until")).to_be_visible()
    article = ask(page, "Please write it down again")
    expect(article.locator(".call", has_text="write_note").locator(".took")).to_have_text(MS)


def test_what_nobody_used_becomes_a_draft_that_is_seen_and_then_put_in_force(visit, home):
    page = visit("/admin/accounts/rule/?q=developer", ADA)
    page.locator("#result_list tbody tr th a").first.click()
    page.locator("[name=patterns]").fill('["*"]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    expect(ask(visit(), "What time is it?").locator(".answer")).to_be_visible()

    page.goto(f"{home.base}/admin/least-privilege/?days=30")
    wanted = page.locator("li", has_text="Role developer on upstream")
    expect(wanted).to_contain_text("allow_only")
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    wanted.get_by_text("Role developer").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download policy.yaml").click()
    text = download.value.path().read_text()
    assert "- get_time" in text and "people:" not in text
    page.get_by_role("button", name="See what it changes").click()

    expect(page.get_by_label("policy.yaml")).to_have_value(text)
    changes = page.get_by_role("region", name="What it changes")
    expect(changes).to_contain_text("role developer loses on upstream: add, ")
    expect(changes).to_contain_text(": 0 refused, 0 newly allowed, 0 newly asked")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_text("In force: 1 change.")).to_be_visible()
    expect(page.get_by_text("imported policy.yaml")).to_be_visible()


@pytest.mark.parametrize("options", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_the_pages_of_the_policy_are_no_wider_than_the_window(visit, home, options):
    page = visit("/admin/policy-draft/", ADA, **options)
    name = ("phone" if "is_mobile" in options else "dark") * 40
    page.get_by_label("policy.yaml").fill(f"global: {{blocked_tools: [{name}]}}")
    page.get_by_role("button", name="See what it changes").click()
    expect(page.get_by_role("button", name="Put in force")).to_be_visible()
    assert overflow(page) == 0
    # Then there is an older version to go back to, whichever tests have run before.
    # By the keyboard: where a phone is emulated, Playwright looks for the button elsewhere.
    page.get_by_role("button", name="Put in force").press("Enter")
    expect(page.get_by_text("In force: 1 change.")).to_be_visible()
    for path in ("least-privilege/", "usage/", "accounts/policyversion/1/roll-back/"):
        page.goto(f"{home.base}/admin/{path}")
        expect(page.get_by_role("button").last).to_be_visible()
        assert overflow(page) == 0


# The contrast of text and ground (WCAG 2.2, 1.4.3) of the first cell of each class.
CONTRAST = """(selectors) => selectors.map((selector) => {
  const node = document.querySelector(`td${selector}`);
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(node);
  const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
})"""
