"""A file of cases made from the record."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.evaluation import cases, suggesting
from tests.gateway.replaying import recorded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def question(cast, upstream):
    return recorded(cast)


def found(**options):
    usual = {"person": "", "server": "", "most": 5}
    since = options.pop("since", timezone.now() - timedelta(days=1))
    return suggesting.recorded(since, **usual | options)


def test_what_is_recorded_is_what_is_expected(question, tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(suggesting.as_yaml(found()))

    [case] = cases.read(path)

    assert (case.recorded, case.person) == (str(question.pk), "dev@example.com")
    assert (case.expected.tools, case.expected.figures) == (("upstream/add",), ("42",))
    assert case.expected.max_turns == 3


def test_questions_are_picked_by_time_person_and_server(question):
    assert found(person="dev@example.com", server="upstream") == [question]
    assert found(person="ada@example.com") == found(server="crm") == []
    assert found(since=timezone.now()) == found(most=0) == []
