"""Nothing of what a server says stays hidden from an administrator."""

import pytest

from registry import showing


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text\n\tin lines", "plain text\n\tin lines"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a\u200bb", "a<span class='omni-hidden' title='ZERO WIDTH SPACE'>U+200B</span>b"),
        ("\u202e", "<span class='omni-hidden' title='RIGHT-TO-LEFT OVERRIDE'>U+202E</span>"),
        (
            "\U000e0041",
            "<span class='omni-hidden' title='TAG LATIN CAPITAL LETTER A'>U+E0041</span>",
        ),
        ("\x1b[8m", "<span class='omni-hidden' title='unnamed character'>U+001B</span>[8m"),
        ("", ""),
        ("größer 日本", "größer 日本"),
    ],
)
def test_hidden_characters_are_marked_and_html_is_text(text, shown):
    assert showing.visible(text) == shown


def test_two_forms_stand_side_by_side_with_their_differences_coloured():
    before = {"name": "search", "description": "Find.\nQuickly."}
    after = {"name": "search", "description": "Find.\nAnd send <all> away."}

    html = showing.beside(before, after)

    assert "<span class='omni-del'>Quickly.</span>" in html
    assert "<span class='omni-add'>And send &lt;all&gt; away.</span>" in html
    assert html.count("<span class=''>Find.</span>") == 2


def test_what_is_the_same_stands_there_once_and_waits_for_nobody():
    form = {"name": "search", "description": "Find.\nQuickly."}
    html = showing.beside(form, form)
    renamed = showing.beside(form, form | {"title": "Seek"})

    assert "<h4>Description</h4><pre class='omni-text'>Find.\nQuickly.</pre>" in html
    assert (html.count("<h4>The whole object</h4>"), "that waits" in html) == (1, False)
    assert "<h4>Description</h4>" in renamed
    assert "The whole object that waits</h4>" in renamed
    assert "<h4>Description</h4><pre class='omni-text'>–</pre>" in showing.beside(
        {"a": 1}, {"a": 1}
    )


def test_a_tool_that_was_never_accepted_has_nothing_on_the_left():
    html = showing.beside({}, {"name": "new", "description": "Do."})

    assert "as accepted</h4><pre class='omni-text'>–</pre>" in html
    assert "omni-del" not in html


def test_one_form_is_its_description_and_the_whole_object():
    html = showing.definition({"name": "x", "description": "Line\u00adtwo"})

    assert html.count("U+00AD") == 2
    assert showing.definition({}) == "<pre class='omni-text'>–</pre>"
