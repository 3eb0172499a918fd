"""The admin's filter by two moments, of which each may be missing."""

from typing import Any

import pytest

from gateway.models import Call
from tests.audit.counting import NOON


@pytest.mark.parametrize(
    ("ends", "days"),
    [
        ({"created_at_from_0": "2026-05-04", "created_at_from_1": "12:30:00"}, [5, 4]),
        ({"created_at_from_0": "2026-05-04", "created_at_from_1": "12:30:01"}, [5]),
        ({"created_at_from_0": "2026-05-05"}, [5]),
        ({"created_at_to_0": "2026-05-04", "created_at_to_1": "23:59:59"}, [4, 3]),
        ({"created_at_from_0": "2026-05-04", "created_at_to_0": "2026-05-05"}, [4]),
        ({"created_at_from_0": "when it rained"}, [5, 4, 3]),
    ],
)
def test_rows_between_two_moments(client: Any, cast: Any, ends: Any, days: list[int]) -> None:
    for day in (3, 4, 5):
        Call.objects.create(person=cast.dev, door="web", created_at=NOON.replace(day=day))
    client.force_login(cast.ada)
    page = client.get("/admin/gateway/call/", ends)
    assert [one.created_at.day for one in page.context["cl"].result_list] == days


@pytest.mark.parametrize("path", ["gateway/call", "gateway/question", "gateway/approval"])
def test_a_filter_by_moments_is_let_in_and_others_are_not(
    client: Any, cast: Any, path: str
) -> None:
    client.force_login(cast.ada)
    range_of = {"created_at_from_0": "2026-05-04", "created_at_from_1": "00:00:00"}
    assert client.get(f"/admin/{path}/", range_of).status_code == 200
    assert client.get(f"/admin/{path}/", {"id_from_0": "1"}).status_code == 400
