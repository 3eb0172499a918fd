"""The page of everybody's usage: what `/api/admin/usage` says, with a bar for each limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.errors import amount, in_words
from accounts.meters import NEAR_PERCENT
from accounts.models import Role
from gateway import usage
from gateway.matrix_page import may_see

PEOPLE_ON_A_PAGE = 25
_WORDS = {
    "requests_per_hour": "Requests an hour",
    "concurrent_requests": "Questions at once",
    "budget_requests": "Requests",
    "budget_tokens": "Tokens",
    "budget_cost": "Dollars",
}


@dataclass(frozen=True)
class Bar:
    """One limit as it is drawn: parts of a hundred, and everything in words besides."""

    words: str
    whose: str
    used: str
    held: str
    limit: str
    percent: int
    used_part: float
    held_part: float
    resets: str

    @property
    def state(self) -> str:
        """How near the limit is; empty while it is far."""
        if self.used_part >= 100:
            return "reached"
        return "near" if self.percent >= NEAR_PERCENT else ""


def page(request: HttpRequest) -> HttpResponse:
    """People with their limits, those who are near one first where that is asked for."""
    if not may_see(request):
        raise PermissionDenied
    asked = {name: request.GET.get(name, "").replace("\x00", "") for name in ("search", "role")}
    wanted = usage.Wanted(**asked, near=request.GET.get("near") == "true")
    shown = Paginator(usage.people(wanted), PEOPLE_ON_A_PAGE).get_page(request.GET.get("page"))
    people = list(shown.object_list)
    limits = usage.of(people)
    query = request.GET.copy()
    query.pop("page", None)
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": "Usage",
        "people": [(one, list(_bars(limits[one.pk]))) for one in people],
        "page": shown,
        "query": query.urlencode(),
        "wanted": wanted,
        "roles": Role.objects.order_by("name").values_list("name", flat=True),
        "near_percent": NEAR_PERCENT,
    }
    return TemplateResponse(request, "admin/omni2/usage.html", context)


def _bars(limits: usage.Limits) -> Iterator[Bar]:
    for line in limits:
        limit = line["limit"]
        used = min(100.0, 100 * line["used"] / limit) if limit else 100.0
        held = min(100 - used, 100 * line["held"] / limit) if limit else 0.0
        yield Bar(
            words=_words(line),
            whose=line["whose"],
            used=_amount(line["used"]),
            held=_amount(line["held"]) if line["held"] else "",
            limit=_amount(limit),
            percent=line["percent"],
            used_part=round(used, 1),
            held_part=round(held, 1),
            resets=in_words(line["reset_seconds"]) if line["reset_seconds"] else "",
        )


def _words(line: Mapping[str, Any]) -> str:
    words = _WORDS[line["kind"]]
    days = line["period_days"]
    if not days:
        return words
    return f"{words} in {days} days" if days > 1 else f"{words} in a day"


def _amount(number: float) -> str:
    return amount(number if isinstance(number, int) else Decimal(str(number)))
