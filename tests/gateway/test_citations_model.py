"""The values that cross the door."""

from gateway.citations.model import Claim, Kind


def test_a_claim_ends_where_its_text_does():
    assert Claim(Kind.NUMBER, "41", 7).end == 9
