"""Cases made of recorded questions: a file to go through, and to keep."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from gateway.models import Call, Question

MOST_FIGURES = 8


def recorded(since: datetime, *, person: str, server: str, most: int) -> list[Question]:
    """Answered questions since then, the latest first, of a person or with calls to a server."""
    found = Question.objects.filter(
        state=Question.State.ANSWERED, created_at__gte=since, turns__isnull=False
    )
    if person:
        found = found.filter(person__email=person)
    if server:
        found = found.filter(calls__server=server)
    rows = found.select_related("person").distinct().order_by("-created_at")
    return list(rows[:most])


def as_yaml(questions: Iterable[Question]) -> str:
    """A file of cases that hold now: the calls that were done, and the figures that stood there."""
    text = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump({"cases": [_case(question) for question in questions]}, text)
    return text.getvalue()


def _case(question: Question) -> Mapping[str, Any]:
    done = question.calls.filter(state=Call.State.DONE).order_by("created_at")
    tools = list(dict.fromkeys(f"{call.server}/{call.tool}" for call in done))
    claims = question.provenance.get("claims", ())
    figures = [one["text"] for one in claims if one["status"] == "found"]
    expect = {
        "tools": tools,
        "figures": list(dict.fromkeys(figures))[:MOST_FIGURES],
        "max_turns": question.turns.count(),
    }
    return {
        "name": question.text[:60],
        "recorded": str(question.pk),
        "question": question.text,
        "person": question.person.email,
        "expect": {key: value for key, value in expect.items() if value},
    }
