"""The IPv6 loopback: tests that need it are skipped, visibly, only where a machine has none."""

import socket

import pytest

HERE = "::1"
# The address of HERE with this port, in other words than the guard's own.
SPELLINGS = ["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]"]


def _exists() -> bool:
    try:
        with socket.create_server((HERE, 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not _exists(), reason="this machine has no IPv6 loopback")
