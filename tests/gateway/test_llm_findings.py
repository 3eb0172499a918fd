import time
from datetime import date

import pytest

from gateway.llm.findings import find, find_currencies, find_zones

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("at 9am", [("time", "09:00")]),
        ("at 9:30 PM or 14.05", [("time", "21:30"), ("number", "14.05")]),
        ("at 12am, 12 p.m., 00:15", [("time", "00:00"), ("time", "12:00"), ("time", "00:15")]),
        ("noon and midnight", [("time", "12:00"), ("time", "00:00")]),
        ("at 13pm or 25:00", []),
        ("on 2026-02-28 and 2026-02-30", [("date", "2026-02-28")]),
        ("8 August 2008, Aug 8th, 2008", [("date", "2008-08-08"), ("date", "2008-08-08")]),
        ("yesterday and Tomorrow", [("date", "2026-11-22"), ("date", "2026-11-24")]),
        ("2026-01-02T03:04:05Z", [("datetime", "2026-01-02T03:04:05Z")]),
        ("1,200 of -3.5 and five", [("number", "1200"), ("number", "-3.5"), ("number", "5")]),
        ("v2.3.1 and api-7d9", []),
        ("15% of 2380", [("percent", "15%"), ("number", "2380")]),
        ("read /etc/hosts, ~/a/b.txt", [("path", "/etc/hosts"), ("path", "~/a/b.txt")]),
        ("open src/app.py", [("path", "src/app.py")]),
        ("issues of acme/web", [("slug", "acme/web")]),
        ("see https://x.example/a?b=1.", [("url", "https://x.example/a?b=1")]),
        ("who owns example.com?", [("domain", "example.com")]),
        ("mail ada@example.com", [("email", "ada@example.com")]),
        ("'a b' and \"c 9am\" and `d`", [("quoted", "a b"), ("quoted", "c 9am"), ("quoted", "d")]),
        ("it's Dana's and don't", []),
    ],
)
def test_what_has_a_form_is_found(question: str, found: list[tuple[str, str]]) -> None:
    assert [(one.kind, one.value) for one in find(question, today=TODAY)] == found


@pytest.mark.parametrize(
    ("question", "zones"),
    [
        ("time in Tokyo", ["Asia/Tokyo"]),
        ("time in new york and Tel Aviv", ["America/New_York", "Asia/Jerusalem"]),
        ("Asia/Tokyo or america/los_angeles", ["Asia/Tokyo", "America/Los_Angeles"]),
        ("Germany, UK, EST, utc", ["Europe/Berlin", "Europe/London", "America/New_York"]),
        ("I have met la familia", []),
        ("San Francisco", ["America/Los_Angeles"]),
        ("what time is it", []),
    ],
)
def test_time_zones_are_found_by_any_name(question: str, zones: list[str]) -> None:
    assert [one.value for one in find_zones(question)] == zones


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("100 USD in EUR", ["USD", "EUR"]),
        ("usd to ils", ["USD", "ILS"]),
        ("Try all of it", []),
        ("$5 in yen or Swiss francs", ["USD", "JPY", "CHF"]),
    ],
)
def test_currencies_are_found_by_code_symbol_and_name(question: str, codes: list[str]) -> None:
    assert [one.value for one in find_currencies(question)] == codes


@pytest.mark.parametrize("piece", ["a-", "a/", "9:", "a.", "'", "[", "1,"])
def test_text_made_to_be_slow_is_not(piece: str) -> None:
    started = time.process_time()
    find(piece * 10_000, today=TODAY)
    assert time.process_time() - started < 1
