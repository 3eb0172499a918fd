"""Where the record is sent."""

import pytest

from gateway.outlets import place
from gateway.outlets.place import Place


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("https://siem.example.com/in?x=1", Place(url="https://siem.example.com/in?x=1")),
        ("syslog+tls://Log.example.com:6514", Place("", "tls", "log.example.com", 6514)),
        ("syslog+tcp://192.0.2.1:601/", Place("", "tcp", "192.0.2.1", 601)),
        ("syslog+udp://[::1]:514", Place("", "udp", "::1", 514)),
        ("syslog+tcp://[2001:DB8:0::1]:601", Place("", "tcp", "2001:db8::1", 601)),
        ("syslog+tcp://[::ffff:192.0.2.1]:601", Place("", "tcp", "192.0.2.1", 601)),
    ],
)
def test_an_address_is_read(address, read):
    assert place.read(address) == read


@pytest.mark.parametrize(
    "address",
    [
        "", "siem.example.com", "syslog://x:514", "syslog+tls://x", "syslog+udp://x:0",
        "syslog+tcp://x:65536", "syslog+tcp://a@x:1", "syslog+tcp://x:1/y", "ftp://x", "file:///x",
        "syslog+tcp://[1::2::3]:601", "syslog+tcp://[fe80::1%eth0]:601",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_what_would_be_one(address):
    with pytest.raises(ValueError, match="This is https"):
        place.read(address)
