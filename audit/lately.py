"""What the record says of the last moments."""

from datetime import timedelta

from django.utils import timezone

from audit.models import Entry


def refused(api_key: str, address: str, *, within: timedelta, most: int) -> int:
    """How often this key's prefix was refused from this address of late, counted up to `most`."""
    since = timezone.now() - within
    refusals = Entry.objects.filter(kind=Entry.Kind.AUTH_REFUSED, at__gt=since)
    return refusals.filter(api_key=api_key, address=address).order_by()[:most].count()
