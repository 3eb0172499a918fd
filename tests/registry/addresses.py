"""Addresses that attackers would have dialled, and a stub DNS that knows their names."""

import json
from pathlib import Path

# Own rows (CC0); two of the shared file are about redirects and Slack, tested elsewhere.
ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "ssrf_urls.jsonl").read_text().splitlines()
]
PUBLIC = "93.184.216.34"
NAMES = {
    "metadata.google.internal": ["169.254.169.254"],
    "cname.test": ["169.254.169.254"],
    "localtest.me": ["127.0.0.1"],
    "localhost": ["127.0.0.1", "::1"],
    "mcp.example.com": [PUBLIC],
    "xn--bcher-kva.example": [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"],
    "good.example": [PUBLIC],
    "half.example": [PUBLIC, "10.0.0.1"],
    "crm.internal": ["10.1.2.3"],
    "sly.internal": ["169.254.169.254"],
    "six.internal": ["fd12:3456::7"],
}


def resolver(host: str, port: int) -> list[str]:
    """Stub DNS; numbers answer themselves, as the system's resolver does."""
    if host in NAMES:
        return NAMES[host]
    if ":" in host or host.replace(".", "").isdigit():
        return [host]
    raise OSError("unknown name")
