"""The dashboard's charts: each draws its own figures, and one with nothing to show is left out."""

from audit import stats
from audit.rollup import TOTAL, Place
from gateway.record import drawn
from gateway.record.charts import Chart
from tests.gateway.record.test_stats import NOON, counted

__all__ = ["counted"]
MAY = stats.period(NOON, NOON.replace(day=5), "day")


def charts(place: Place = TOTAL) -> dict[str, Chart]:
    return {one.title: one for one in drawn.charts(MAY, place, stats.series(MAY, place))}


def test_every_figure_is_drawn(counted: None) -> None:
    found = charts()
    assert list(found) == [title for title, *_ in drawn.CHARTS]
    said = {title: [step.said for step in one.steps] for title, one in found.items()}
    assert said["Questions"][0] == "Mon 4 May: answered 2, failed 0, refused 0, cancelled 0"
    assert said["Calls"] == [
        "Mon 4 May: done 3, failed 0, refused 1",
        "Tue 5 May: done 1, failed 0, refused 0",
    ]
    assert said["Cost (US dollars)"] == ["Mon 4 May: cost $0.02", "Tue 5 May: cost $0.00"]
    assert said["Tokens"][1] == "Tue 5 May: output 10, input 100, cache written 2, cache read 4"
    assert said["How long questions took"][0].startswith("Mon 4 May: half within 1.0 s")


def test_a_tool_has_no_chart_of_ended_questions(counted: None) -> None:
    assert list(charts(Place("tool", "find", "crm"))) == [
        "Calls",
        "How long calls took",
        "Tokens",
        "Cost (US dollars)",
    ]


def test_a_step_leads_to_the_entries_of_its_day(counted: None) -> None:
    link = charts(Place("person", "ada@example.com"))["Questions"].steps[1].link
    assert "from=2026-05-05T" in link and "to=2026-05-06T" in link
    assert "person=ada%40example.com" in link and "kind=question.ended" in link


def test_nothing_has_no_charts(db: None) -> None:
    assert charts() == {}
