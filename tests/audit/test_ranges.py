"""The admin's filter by two moments, of which each may be missing."""

from typing import Any

import pytest

from tests.audit.counting import NOON, happened, put


@pytest.mark.parametrize(
    ("ends", "days"),
    [
        ({"at_from_0": "2026-05-04", "at_from_1": "12:30:00"}, [5, 4]),
        ({"at_from_0": "2026-05-04", "at_from_1": "12:30:01"}, [5]),
        ({"at_from_0": "2026-05-05"}, [5]),
        ({"at_to_0": "2026-05-04", "at_to_1": "23:59:59"}, [4, 3]),
        ({"at_from_0": "2026-05-04", "at_to_0": "2026-05-05"}, [4]),
        ({"at_from_0": "when it rained"}, [5, 4, 3]),
    ],
)
def test_rows_between_two_moments(client: Any, cast: Any, ends: Any, days: list[int]) -> None:
    for day in (3, 4, 5):
        put(happened(NOON.replace(day=day), "auth.logout", "ok"))
    client.force_login(cast.ada)
    page = client.get("/admin/audit/entry/", ends | {"kind__exact": "auth.logout"})
    assert [one.at.day for one in page.context["cl"].result_list] == days


@pytest.mark.parametrize("path", ["audit/entry", "gateway/question", "gateway/approval"])
def test_a_filter_by_moments_is_let_in_and_others_are_not(
    client: Any, cast: Any, path: str
) -> None:
    client.force_login(cast.ada)
    name = "at" if path == "audit/entry" else "created_at"
    range_of = {f"{name}_from_0": "2026-05-04", f"{name}_from_1": "00:00:00"}
    assert client.get(f"/admin/{path}/", range_of).status_code == 200
    assert client.get(f"/admin/{path}/", {"id_from_0": "1"}).status_code == 400
