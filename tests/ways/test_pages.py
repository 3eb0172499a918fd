"""The pages in a real browser: a question asked and answered, and no page does anything foreign."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from tests.ways.browsing import (
    ADA,
    DEV,
    HOSTILE,
    PASSWORD,
    PHONE,
    ask,
    needs_browser,
    overflow,
    watched,
)

pytestmark = needs_browser


# --- Asking ---------------------------------------------------------------------------------------
def test_a_question_is_answered_with_the_call_it_rests_on(visit):
    page = visit()
    article = ask(page, "What time is it?")

    expect(article.locator(".answer")).to_have_text("It is noon, says the clock.")
    expect(article.locator(".answer strong")).to_have_text("noon")
    expect(article.get_by_text("Rests on 1 call")).to_be_visible()
    expect(article.locator(".call .name")).to_have_text("upstream · get_time")
    expect(article.locator(".facts")).to_contain_text(re.compile(r"tokens in, \d+ out"))
    expect(article.locator(".facts")).to_contain_text("$")
    expect(page.get_by_role("status")).to_have_text("The answer is here.")


def test_a_call_opens_by_the_keyboard_to_its_arguments_and_result(visit):
    article = ask(visit(), "What time is it?")

    article.locator("summary").focus()
    article.page.keyboard.press("Enter")

    expect(article.get_by_role("heading", name="Arguments")).to_be_visible()
    expect(article.locator(".call pre").last).to_have_text(re.compile(r"\d{4}-\d\d-\d\dT"))


def test_an_answer_leads_to_its_record_and_back(visit):
    page = visit()
    article = ask(page, "What time is it?")
    article.get_by_role("link", name="Step by step").click()

    expect(page.get_by_role("heading", name="My question")).to_be_visible()
    expect(page.get_by_text("upstream · get_time")).to_be_visible()

    page.get_by_role("link", name="Back to the conversation").click()
    expect(page.locator(".answer")).to_have_text("It is noon, says the clock.")


def test_a_follow_up_stays_in_the_conversation_also_after_a_reload(visit):
    page = visit()
    expect(ask(page, "What time is it?").locator(".answer")).to_be_visible()
    expect(ask(page, "And now?").locator(".answer")).to_be_visible()
    assert re.search(r"/conversation/[0-9a-f-]{36}$", page.url)

    page.reload()

    expect(page.locator("h2.asked")).to_have_text(["What time is it?", "And now?"])
    expect(page.locator("#recent-list a[aria-current=page] .text")).to_have_text("What time is it?")


def test_a_question_that_runs_goes_on_after_a_reload(visit):
    page = visit()
    expect(ask(page, "Be slow").get_by_text("Asking upstream · slow")).to_be_visible()

    page.reload()

    expect(page.locator(".call .name")).to_have_text("upstream · slow", timeout=20_000)
    expect(page.locator(".answer")).to_be_visible()


def test_a_refusal_says_layer_rule_reason_and_what_would_help(visit):
    article = ask(visit(), "Please write it down")

    expect(article.get_by_text("Rests on 1 call; 1 other not done")).to_be_visible()
    refused = article.locator(".call", has_text="write_note")
    expect(refused.locator(".took")).to_have_text("not allowed")
    refused.locator("summary").click()
    told = dict(
        zip(
            refused.locator("dt").all_text_contents(),
            refused.locator("dd").all_text_contents(),
            strict=True,
        )
    )
    assert told["Layer"] == "role"
    assert told["Why"] == "The role developer may not call write_note on upstream."
    assert told["Rule"].startswith("role_restrictions.developer on upstream")
    assert "What would help" in told


def test_a_question_is_stopped(visit):
    page = visit()
    article = ask(page, "Be very slow")
    expect(article.get_by_text("Asking upstream · slow")).to_be_visible()

    page.get_by_role("button", name="Stop").click()

    expect(article.get_by_text("You stopped this question.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_a_failure_is_said_and_the_box_is_free_again(visit):
    page = visit()
    article = ask(page, "Now fail")

    expect(article.locator(".note.bad")).to_contain_text("could not be answered")
    expect(ask(page, "What time is it?").locator(".answer")).to_be_visible()


def test_what_cannot_be_sent_stays_in_the_box(visit):
    page = visit(provoked="status of 503")
    page.route(
        "**/api/query",
        lambda route: route.fulfill(
            status=503, json={"error": {"code": "x", "message": "Not now."}}
        ),
    )
    page.get_by_label("Your question").fill("What time is it?")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_have_text("Not now.")
    expect(page.get_by_label("Your question")).to_have_value("What time is it?")
    expect(page.locator("article.question")).to_have_count(0)
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()


def test_your_tools_shows_what_is_open_and_why_the_rest_is_not(visit):
    page = visit()
    page.get_by_role("button", name=re.compile("^Your tools")).click()
    drawer = page.get_by_role("dialog", name="Your tools")

    expect(drawer.locator("li", has_text="get_time")).to_contain_text("only reads")
    drawer.get_by_text(re.compile("Not open to you")).click()
    expect(drawer.locator(".withheld li", has_text="write_note")).to_contain_text("may not call")
    drawer.get_by_placeholder("Filter by name or purpose").fill("echo")
    expect(drawer.locator("li > strong")).to_have_text(["echo"])
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_be_hidden()


@pytest.mark.parametrize("options", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_nothing_runs_out_of_the_page(visit, options):
    page = visit(**options)
    article = ask(page, "Something hostile")
    expect(article.locator(".answer")).to_be_visible()
    article.locator(".call summary").click()

    assert overflow(page) == 0


def test_logging_out_and_in(browser, home, sessions):
    context = browser.new_context(storage_state=sessions[DEV])
    page = context.new_page()
    page.goto(home.base)
    page.locator(".person summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{home.base}/login/?next=/")

    page.get_by_label("Email").fill(DEV)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_label("Your question")).to_be_focused()
    sessions[DEV] = context.storage_state()
    context.close()


# --- What others wrote does nothing ---------------------------------------------------------------
def test_the_watch_sees_what_a_careless_page_would_do(browser, home):
    """The control: these texts do leak and run where nothing holds them."""
    context = browser.new_context()
    watch = watched(context, home)
    page = context.new_page()
    page.set_content(HOSTILE)
    page.wait_for_timeout(300)
    context.close()

    assert {urlsplit(url).path for url in watch.foreign} >= {"/html.png", "/script", "/frame"}
    assert "2" in watch.problems


def test_a_hostile_answer_makes_no_request_and_runs_nothing(visit):
    page = visit()
    article = ask(page, "Something hostile")
    box = article.locator(".answer")
    expect(box).to_contain_text("Here you are.")
    article.locator(".call summary").click()
    page.wait_for_timeout(300)

    assert box.locator("img, script, iframe, svg, link, base, style, form").count() == 0
    links = [link.get_attribute("href") for link in box.locator("a").all()]
    assert links and all(link.startswith("https://attacker.example/") for link in links)
    expect(box).to_contain_text("a friendly bank(attacker.example)")
    assert box.locator("a").last.get_attribute("rel") == "noopener noreferrer nofollow"

    page.reload()
    expect(page.locator(".answer")).to_contain_text("Here you are.")


def test_the_admin_shows_hostile_rows_as_text(visit, home):
    page = visit("/admin/", ADA)
    for path in (
        "registry/server/",
        "registry/tool/?state__exact=quarantined",
        "gateway/question/",
        "gateway/call/",
        "accounts/team/",
    ):
        page.goto(f"{home.base}/admin/{path}")
        page.locator("#result_list tbody tr th a").first.click()
        expect(
            page.get_by_role("link", name="Close").or_(page.get_by_text("Save", exact=True))
        ).to_be_visible()


def test_the_record_is_narrowed_by_a_click_and_the_link_to_it_is_copied(visit):
    page = visit("/admin/audit/entry/", ADA, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_title("Only this server").filter(has_text="shop").first.click()
    expect(page.get_by_role("list", name="Filters that are on")).to_have_text("server shop ×")
    page.get_by_label("Outcome").select_option("ok")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert dict(parse_qsl(urlsplit(copied).query)) == {"server": "shop", "outcome": "ok"}

    page.goto(copied)
    page.locator(".rec-what a").first.click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()


def test_the_record_shows_hostile_texts_as_text_also_on_a_phone(visit):
    for path, who in (("/admin/audit/entry/?kind=question.ended", ADA), ("/history/", DEV)):
        page = visit(path, who, **PHONE)
        page.locator(".rec-what a").first.click()
        expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        assert overflow(page) == 0


def test_a_rule_is_made_in_the_admin(visit):
    page = visit("/admin/accounts/rule/add/", ADA)
    page.locator("[name=kind]").select_option("blocked")
    page.locator("[name=patterns]").fill('["echo["]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The policy would not hold together")).to_be_visible()

    page.locator("[name=patterns]").fill('["format_disk"]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("format_disk")).to_be_visible()
