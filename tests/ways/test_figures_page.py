"""The figures of an answer on the page: each shows where it is from, or says that it is nowhere."""

import pytest
from playwright.sync_api import expect

from tests.ways.browsing import PHONE, ask, needs_browser, overflow

pytestmark = needs_browser


@pytest.fixture
def article(visit):
    found = ask(visit(), "figures, please")
    expect(found.locator(".answer")).to_be_visible()
    return found


def test_each_figure_is_marked_and_says_its_source(article):
    expect(article.locator(".figure")).to_have_text(
        ["1,234,567", "1.2 million", "41", "57? (in no result)"]
    )
    article.locator(".figure").nth(1).hover()

    tip = article.get_by_role("tooltip")
    expect(tip).to_contain_text("Rounded from the result of upstream · echo.")
    expect(tip).to_contain_text("There: 1234567")


def test_by_the_keyboard_a_figure_is_described_and_escape_closes_it(article):
    figure = article.locator(".figure").nth(2)
    figure.focus()

    tip = article.get_by_role("tooltip")
    expect(figure).to_have_attribute("aria-describedby", tip.get_attribute("id") or "")
    # What a server returned is shown as text; the fixture looks that nothing foreign is asked for.
    expect(tip.locator("pre")).to_contain_text('<img src="https://attacker.example/x.png"')
    expect(tip.locator("img")).to_have_count(0)

    article.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_what_stands_in_no_result_is_said_in_words(article):
    expect(article.locator(".origins .note")).to_have_text("In no result: 57.")
    article.locator(".figure.unsupported").focus()
    expect(article.get_by_role("tooltip")).to_contain_text("57 stands in no result")


def test_a_name_keeps_its_underscores_where_marks_of_markdown_are_left_out(visit):
    found = ask(visit(), "something unfounded")
    expect(found.locator(".figure")).to_have_text(
        ["omni2_analytics? (in no result)", "7? (in no result)"]
    )
    expect(found.locator(".origins .note")).to_have_text("In no result: omni2_analytics, 7.")


def test_on_a_phone_the_sources_are_a_list_and_nothing_is_too_wide(visit):
    page = visit(**PHONE)
    article = ask(page, "figures, please")
    article.locator(".origins summary").tap()

    expect(article.locator(".origins li")).to_have_count(3)
    article.locator(".figure").nth(1).tap()
    expect(article.get_by_role("tooltip")).to_be_visible()
    assert overflow(page) == 0
