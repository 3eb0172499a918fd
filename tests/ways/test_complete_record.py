"""The record is complete (T-57): a thousand random questions, and what their server counted.

Every request that reached the server has exactly one pair of entries, and every pair its request;
what was refused has its entry and no request. Each wish carries a number of its own, so that none
can stand for another.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from django.db import connection

from audit.models import Entry
from audit.seal import seal_once
from audit.verify import verify
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Question
from registry.models import Tool
from tests.ways.asking import asked

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.deployed,
    pytest.mark.slow,
]
QUESTIONS = 1000
THREADS = 4


class Asking:
    """Random questions, each with random tools in random numbers; remembers what was wished."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.numbers = count(1)
        # How each wish must end: in a pair of entries, or in a refusal.
        self.sent, self.refused = Counter(), Counter()

    def script(self):
        """The lines of one question's model: some turns with tools, then an answer."""
        turns = [
            uses(*[self._wish() for _ in range(self.random.randint(1, 3))])
            for _ in range(self.random.randint(0, 2))
        ]
        return [*turns, says("done")]

    def _wish(self):
        number = next(self.numbers)
        tool, arguments, sent = self.random.choice([
            ("echo", {"text": f"n{number}"}, True),
            ("add", {"a": number, "b": 0}, True),
            ("fail", {}, True),
            ("write_note", {"text": f"n{number}"}, False),
            ("delete_everything", {}, False),
            ("echo", {"words": f"n{number}"}, False),
            ("no_such_tool", {"text": f"n{number}"}, False),
        ])  # fmt: skip
        (self.sent if sent else self.refused)[_as_key(tool, arguments)] += 1
        return f"upstream__{tool}", arguments


def _as_key(tool, arguments):
    return tool, tuple(sorted(arguments.items()))


def recorded(kind):
    """What the entries of this kind are about; an unknown tool stands there as it was written."""
    rows = Entry.objects.filter(kind=kind).values_list("tool", "arguments")
    return Counter(_as_key(tool.removeprefix("upstream__"), given) for tool, given in rows)


def test_every_request_has_exactly_one_pair_and_every_pair_its_request(cast, upstream):
    asking = Asking(seed=57)
    scripts = [asking.script() for _ in range(QUESTIONS)]

    def put(script):
        try:
            return asked(cast, cast.dev, "at random", ScriptedModel(script)).state
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        states = Counter(pool.map(put, scripts))

    assert states == {Question.State.ANSWERED: QUESTIONS}
    received = Counter(_as_key(tool, arguments) for tool, arguments in upstream.calls)
    assert min(len(asking.sent), len(asking.refused)) > QUESTIONS / 4
    assert received == asking.sent
    assert recorded("call.calling") == recorded("call.called") == received
    assert recorded("call.refused") == asking.refused
    begun, ended = (
        Counter(Entry.objects.filter(kind=kind).values_list("call", "decision_id", "fingerprint"))
        for kind in ("call.calling", "call.called")
    )
    assert begun == ended
    assert set(begun.values()) == {1}
    assert {fingerprint for _, _, fingerprint in begun} == set(
        Tool.objects.filter(name__in=["echo", "add", "fail"]).values_list("fingerprint", flat=True)
    )
    _every_question_is_told_from_beginning_to_end()
    _the_whole_is_sealed()


def _every_question_is_told_from_beginning_to_end():
    for kind in ("question.accepted", "question.ended"):
        told = Entry.objects.filter(kind=kind).values_list("question", flat=True)
        assert Counter(told) == {str(pk): 1 for pk in Question.objects.values_list("pk", flat=True)}


def _the_whole_is_sealed():
    while seal_once():
        pass
    report = verify()
    assert (report.finding, report.unsealed) == (None, 0)
    assert report.entries == Entry.objects.count()
