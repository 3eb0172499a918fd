"""What is kept of a question: its row, the model's turns, the calls they led to."""

from gateway.models.calls import Call
from gateway.models.questions import Conversation, Door, Question, QuestionQuerySet, Turn

__all__ = [
    "Call",
    "Conversation",
    "Door",
    "Question",
    "QuestionQuerySet",
    "Turn",
]
