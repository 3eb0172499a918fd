"""What is read of the record at a door: the filters and the page an address asks for, as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts import authority
from accounts.authority import Right
from accounts.models import User
from audit import chain, pages
from audit.filters import FILTERS, Filters
from audit.models import Entry
from audit.pages import Page

NAMES = ("id", *Entry.columns(), "digest")
# Only in a whole entry: what may be long, and what nobody reads in a list.
_LONG = {"arguments", "preview", "decision", "inputs", "detail", "user_agent"}
BRIEF = tuple(
    name for name in NAMES if name not in _LONG and not name.endswith(("digest", "fingerprint"))
)


class EntryShape(serializers.ModelSerializer):
    """An entry; texts that do not apply are empty, all else is null. `cost` is in US dollars."""

    erased_by = serializers.IntegerField(
        allow_null=True, help_text="The entry that says what was erased of this one, and why."
    )

    class Meta:
        model = Entry
        fields = (*NAMES, "erased_by")


class EntryBriefShape(serializers.ModelSerializer):
    """An entry without its long parts, which it has at its own address."""

    class Meta:
        model = Entry
        fields = BRIEF


class EntriesPageShape(serializers.Serializer):
    items = EntryBriefShape(many=True)
    limit = serializers.IntegerField()
    older = serializers.CharField(
        allow_null=True, help_text="To be given as `before`; null: there is nothing older."
    )
    newer = serializers.CharField(
        allow_null=True, help_text="To be given as `after`; null: nothing newer is known."
    )


def parameters(*, without: Iterable[str] = ()) -> list[OpenApiParameter]:
    """The documented parameters of a list of entries."""
    words = {
        "before": "The mark that another page gave as `older`.",
        "after": "The mark that another page gave as `newer`.",
        "limit": f"Entries on the page, at most {pages.MOST}.",
    }
    filters = {name: one.words for name, one in FILTERS.items() if name not in without}
    return [OpenApiParameter(name, description=text) for name, text in (filters | words).items()]


def page_of(
    entries: "QuerySet[Entry]", query: Mapping[str, str], *, without: Iterable[str] = ()
) -> tuple[Page, Filters]:
    """The page of entries that these parameters ask for, without their long parts."""
    return pages.asked(entries.only(*BRIEF), query, without=without)


def listed(found: Page, query: Mapping[str, str]) -> dict[str, Any]:
    """A page as JSON."""
    return {
        "items": [brief(entry) for entry in found.entries],
        "limit": pages.limit_of(str(query.get("limit", ""))),
        "older": found.older or None,
        "newer": found.newer or None,
    }


def brief(entry: Entry) -> dict[str, Any]:
    """An entry as a list shows it."""
    return {name: _spelled(getattr(entry, name)) for name in BRIEF}


def whole(entry: Entry) -> dict[str, Any]:
    """All of an entry, spelled as an export spells it."""
    spelled = {name: _spelled(getattr(entry, name)) for name in NAMES}
    return {**spelled, "erased_by": entry.erased_by}


def _spelled(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, dict, list)):
        return value
    return chain.plain(value)


def own(person: User, *, servers: Iterable[str] | None = None) -> "QuerySet[Entry]":
    """What a person did, or somebody tried to do as them; of these servers, where there are any.

    Not what was recorded before they were here: their address may have been another person's.
    """
    entries = Entry.objects.filter(person=person.email, at__gte=person.date_joined)
    if servers is None:
        return entries
    return entries.filter(Q(server="") | Q(server__in=servers))


def may_view(person: int) -> bool:
    """Whether the person of this number may view everybody's record now."""
    user = User.objects.select_related("role").filter(pk=person).first()
    return user is not None and authority.has(user, Right.VIEW_AUDIT_LOGS)
