"""What a turn offers, and what the record says of the rest."""

import pytest

from gateway import offering, toolbox
from gateway.toolbox import Withheld
from registry.models import Server, Tool
from tests.ways.asking import put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def offered(cast, upstream):
    """The offer to a developer who asks this."""

    def go(text="echo this"):
        box = toolbox.open_for(cast.asker(cast.dev))
        return offering.offer(put(cast, cast.dev, text), box), box

    return go


def said(offer, why):
    return [one for one in offer.withheld if one["why"] == why]


def test_every_tool_is_offered_or_counted_among_those_withheld(offered):
    offer, box = offered()

    assert [spec.name for spec in offer.tools] == [spec.name for spec in box.offered]
    counted = sum(one["count"] for one in offer.withheld)
    assert len(offer.tools) + counted == Tool.objects.count()
    assert offer.policy_version == box.policy_version != ""


def test_the_policys_no_is_told_with_its_layer_and_rule(offered):
    offer, _ = offered()

    (blocked,) = [one for one in said(offer, "policy") if one["layer"] == "global blocks"]
    assert (blocked["count"], blocked["tools"]) == (1, ["upstream/delete_everything"])
    assert "dangerous" in blocked["rule"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"state": "quarantined"}, "drift"),
        ({"state": "gone"}, "drift"),
        ({"switched_off_at": "2026-01-01T00:00:00Z"}, "switched off"),
    ],
)
def test_what_is_set_aside_or_switched_off_is_told_from_the_policys_no(offered, changed, why):
    Tool.objects.filter(name="echo").update(**changed)
    offer, _ = offered()

    assert said(offer, why) == [{"why": why, "count": 1, "tools": ["upstream/echo"]}]


def test_the_tools_of_a_server_that_is_switched_off_count_as_that(offered):
    Server.objects.update(enabled=False)
    offer, _ = offered()

    assert [(one["why"], one["count"]) for one in offer.withheld] == [
        ("switched off", Tool.objects.count())
    ]


def test_what_ranks_too_low_is_named_the_nearest_first(offered, settings):
    settings.TOOLS_PER_TURN = 1
    offer, box = offered("add two numbers")

    assert [spec.tool for spec in offer.tools] == ["add"]
    (rank,) = said(offer, "rank")
    assert rank["count"] == len(box.offered) - 1
    assert "upstream/add" not in rank["tools"]


def test_tools_of_a_server_that_is_down_are_offered_and_the_server_is_named(offered):
    Server.objects.update(health="down")
    offer, box = offered()

    assert (offer.down, len(offer.tools)) == (("upstream",), len(box.offered))


def test_of_very_many_reasons_and_tools_the_rest_is_only_counted(cast, upstream):
    decision = toolbox.open_for(cast.asker(cast.dev)).withheld[0].decision
    server = Server(name="s")
    many = [
        Withheld(Tool(server=server, name=f"t{number}"), _by_rule(decision, number % 60))
        for number in range(60 * 30)
    ]

    reasons = offering._reasons(many)

    assert len(reasons) == offering.REASONS + 1
    assert {one["count"] for one in reasons[:-1]} == {30}
    assert {len(one["tools"]) for one in reasons[:-1]} == {offering.NAMED}
    assert reasons[-1] == {"why": "others", "count": 300}


def _by_rule(decision, number):
    return type(decision)(
        **{name: getattr(decision, name) for name in decision.__slots__} | {"rule": f"r{number}"}
    )
