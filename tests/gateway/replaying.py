"""Recorded questions to replay."""

from gateway.llm.base import Usage
from gateway.llm.scripted import ScriptedModel, says, uses
from tests.ways.asking import asked

USAGE = Usage(input=100, output=20, cache_read=0, cache_write=0)
ANSWER = "It is 42; the tool that deletes is not there."


def script():
    """Two calls of which one is refused, and an answer."""
    return [
        uses(("upstream__add", {"a": 40, "b": 2}), text="Let me add.", usage=USAGE),
        uses(("upstream__delete_everything", {}), usage=USAGE),
        says(ANSWER, usage=USAGE),
    ]


def recorded(cast, lines=None):
    """A question of Dev that has ended."""
    model = ScriptedModel(script() if lines is None else lines)
    question = asked(cast, cast.dev, "What is 40 and 2?", model)
    assert question.state == "answered", (question.error_code, question.error_message)
    return question
