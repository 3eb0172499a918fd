"""Rows of the admin between two moments."""

from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_datetime_str

_ENDS = {"from": "gte", "to": "lte"}


class BetweenMoments(RangeDateTimeFilter):
    """Unfold's filter, which takes what is typed for UTC instead of a time of no zone."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        for end, lookup in _ENDS.items():
            day, time = (
                self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1)
            )
            # A day alone begins at midnight.
            at = parse_datetime_str(f"{day} {time or '00:00:00'}") if day else None
            if at:
                queryset = queryset.filter(
                    **{f"{self.parameter_name}__{lookup}": at.replace(tzinfo=UTC)}
                )
        return queryset
