"""E-mail addresses of a destination."""

import pytest
from django.core.exceptions import ValidationError

from gateway.alerts import mail


def test_addresses_stand_one_on_a_line():
    assert mail.addresses(" a@example.com \n\nb@example.com\n") == [
        "a@example.com",
        "b@example.com",
    ]
    assert mail.addresses("") == []


@pytest.mark.parametrize(
    "text", ["a@example.com, b@example.com", "nobody", "a@example.com\nx\ty@example.com"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValidationError, match="no e-mail address"):
        mail.addresses(text)
