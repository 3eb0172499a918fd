"""What happens in a made-up record."""

import random
from datetime import UTC, datetime, timedelta

from audit.generation.company import Company
from audit.generation.stories import Calendar, Story, question

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


def test_most_happens_in_the_hours_of_work() -> None:
    calendar = Calendar(MONDAY, days=7)
    moments = [calendar.moment(part / 1000) for part in range(1001)]
    busy = [at for at in moments if at.weekday() < 5 and 7 <= at.hour < 18]

    assert (moments[0], moments[-1]) == (MONDAY, MONDAY + timedelta(days=7))
    assert moments == sorted(moments)
    assert 0.75 < len(busy) / len(moments) < 0.9


def test_a_question_is_accepted_has_its_pairs_of_calls_and_ends() -> None:
    company, chance = Company(0), random.Random(5)
    for _ in range(6):
        story = Story(chance, company, MONDAY)
        question(story)
        kinds = [one.template.entry.kind for one in story.told]
        assert (kinds[0], kinds[-1]) == ("question.accepted", "question.ended")
        assert kinds.count("call.calling") == kinds.count("call.called")
        assert {one.changes["question"] for one in story.told} == {story.question}
        assert [one.at for one in story.told] == sorted(one.at for one in story.told)
