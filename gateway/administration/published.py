"""What every change of a rule, a role or a team answers: the policy that it put into force."""

from typing import Any

from rest_framework import serializers

from accounts import versions
from accounts.models import PolicyVersion

MOST_LINES = 200


class PublishedShape(serializers.Serializer):
    version = serializers.IntegerField()
    digest = serializers.CharField()
    changed = serializers.BooleanField(help_text="False when the policy says what it said before.")
    difference = serializers.ListField(child=serializers.CharField())
    effect = serializers.ListField(
        child=serializers.CharField(), help_text="Who gains and who loses what, in words."
    )


class Before:
    """Made before a change; presents afterwards the version that the change made."""

    def __init__(self) -> None:
        newest = versions.newest()
        self._newest = newest.pk if newest else 0

    def present(self, version: PolicyVersion) -> dict[str, Any]:
        """The version as `PublishedShape` documents it."""
        changed = version.pk > self._newest
        effect = versions.lines(versions.effect_of(version), most=MOST_LINES) if changed else []
        return {
            "version": version.pk,
            "digest": version.digest,
            "changed": changed,
            "difference": version.difference.splitlines() if changed else [],
            "effect": effect,
        }
