"""What is said of us, and by which addresses we may be known."""

import pytest

from registry.oauth import introduction

BACK = "https://omni2.example/connections/crm/callback/"
PLACE = "https://omni2.example/connections/crm/client.json"


def test_the_document_names_its_own_address_and_no_secret():
    assert introduction.document(PLACE, BACK) == {
        "client_id": PLACE,
        "client_name": "OMNI2",
        "redirect_uris": [BACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
    }


@pytest.mark.parametrize(
    ("url", "may"),
    [
        (PLACE, True),
        ("http://omni2.example/client.json", False),
        ("https://omni2.example", False),
        ("https://omni2.example/", False),
        ("https://omni2.example/client.json#part", False),
        ("https://omni2.example/client.json?of=crm", False),
        ("https://me@omni2.example/client.json", False),
        ("", False),
    ],
)
def test_an_id_is_a_plain_https_address_with_a_path(url: str, may: bool):
    assert introduction.can_be_an_id(url) is may
