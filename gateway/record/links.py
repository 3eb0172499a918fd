"""From a figure to the entries it was made of: addresses of the record's page in the admin."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from audit.rollup import Place
from audit.stats import Period


def entries(start: datetime, end: datetime, **filters: str) -> str:
    """The page of the entries of a period that these filters let through."""
    query = {"from": start.isoformat(), "to": end.isoformat(), **filters}
    return f"{reverse('admin:audit_entry_changelist')}?{urlencode(query)}"


def filters_of(place: Place) -> dict[str, str]:
    """The record's filters that leave what the figures of a place were made of."""
    if place.dimension == "total":
        return {}
    if place.dimension == "error":
        return {"error_code": place.name}
    over = {"tool": "server", "rule": "layer"}.get(place.dimension)
    outer = {over: place.within} if over and place.within else {}
    return {**outer, place.dimension: place.name}


def of_place(when: Period, place: Place, **filters: str) -> str:
    """The page of a place's entries in a period, with more filters."""
    return entries(when.start, when.end, **filters_of(place), **filters)
