"""What the admin's templates need to show foreign text as it is."""

import json
from typing import Any

from django import template
from django.utils.safestring import SafeString

from gateway import provenance
from gateway.models import Question
from registry import showing

register = template.Library()


@register.simple_tag
def visible(text: str) -> SafeString:
    """The text, with a mark in place of every character that people would not see."""
    return showing.visible(text)


@register.simple_tag
def figures_of(question: Question) -> dict[str, Any]:
    """Where the figures of its answer are from, as `gateway.provenance.shown` says it."""
    return provenance.shown(question)


@register.simple_tag
def as_json(value: Any) -> SafeString:
    """The value as indented JSON, hidden characters marked."""
    return showing.visible(json.dumps(value, indent=2, ensure_ascii=False))
