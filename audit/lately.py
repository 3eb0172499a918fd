"""What the record says of the last moments, asked at every request and so by ready-made SQL."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from audit.models import Entry

_REFUSED = (
    "SELECT count(*) FROM (SELECT 1 FROM audit_entry WHERE kind = %s AND at > %s"
    " AND api_key = %s AND address = %s LIMIT %s) AS lately"
)


def refused(api_key: str, address: str, *, within: timedelta, most: int) -> int:
    """How often this key's prefix was refused from this address of late, counted up to `most`."""
    since = connection.ops.adapt_datetimefield_value(timezone.now() - within)
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, [Entry.Kind.AUTH_REFUSED.value, since, api_key, address, most])
        return int(cursor.fetchone()[0])
