"""Where a request comes from, and who may come in at all."""

import pytest

from accounts.addresses import client_address, may_come_in


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.1", "127.0.0.1"),
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (2, "6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
        (2, "192.0.2.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "unknown", "0.0.0.0"),
        (1, "<script>", "0.0.0.0"),
        (1, "[unknown]:443", "0.0.0.0"),
        (1, "6.6.6.6, 192.0.2.1:51034", "192.0.2.1"),
        (1, "[2001:DB8::1]:443", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "192.0.2.1:", "0.0.0.0"),
        (1, "2001:DB8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "fe80::1%" + "x" * 100, "fe80::1"),
        (2, "6.6.6.6, 2001:db8::1, ::1", "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_wrote_counts(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies

    assert client_address("127.0.0.1", forwarded) == address


@pytest.mark.parametrize(
    ("direct", "address"),
    [
        ("2001:db8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_the_connections_own_address_has_one_spelling(settings, direct, address, proxies):
    settings.TRUSTED_PROXIES = proxies

    assert client_address(direct, "") == address


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_an_address_or_a_network_may_come_in(settings, address, may):
    settings.ALLOWED_IPS = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]

    assert may_come_in(address) is may


def test_whom_our_proxy_does_not_name_no_list_lets_in(settings):
    settings.TRUSTED_PROXIES, settings.ALLOWED_IPS = 1, ["10.0.0.0/8"]

    assert not may_come_in(client_address("10.0.0.1", "unknown"))
    assert may_come_in(client_address("10.0.0.1", ""))


def test_where_no_address_is_named_all_may_come_in(settings):
    settings.ALLOWED_IPS = []

    assert may_come_in("11.1.2.3")
