"""What is asked of the last moments on the record."""

from datetime import timedelta

from django.utils import timezone

from audit import lately, record
from audit.record import Who

MINUTE = timedelta(minutes=1)


def refuse(key: str, address: str, *, kind: str = "auth.refused", seconds: float = 0) -> None:
    entry = record.prepare(kind, "refused", who=Who(api_key=key, address=address))
    entry.at = timezone.now() - timedelta(seconds=seconds)
    entry.digest = entry.reckon_digest()
    record.write_many([entry])


def test_only_refusals_of_this_key_from_this_address_within_the_time_count(db: None) -> None:
    for _ in range(2):
        refuse("k1", "192.0.2.1", seconds=50)
    refuse("k1", "192.0.2.1", seconds=70)
    refuse("k1", "192.0.2.2")
    refuse("k2", "192.0.2.1")
    refuse("k1", "192.0.2.1", kind="auth.locked")
    assert lately.refused("k1", "192.0.2.1", within=MINUTE, most=20) == 2


def test_it_counts_no_further_than_it_is_asked_to(db: None) -> None:
    for _ in range(3):
        refuse("k1", "192.0.2.1")
    assert lately.refused("k1", "192.0.2.1", within=MINUTE, most=2) == 2
    assert lately.refused("k3", "192.0.2.1", within=MINUTE, most=2) == 0
