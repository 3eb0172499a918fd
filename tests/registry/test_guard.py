"""The network guard: what may be dialled, and that nothing else is."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registry.mcp import dialling, guard
from registry.mcp.client import Connections
from registry.mcp.errors import GuardRefused, Unreachable
from tests.fakes.faulty_upstream import faulty, http
from tests.fakes.mcp_server import Upstream, application, listen, running
from tests.registry.addresses import PUBLIC, ROWS, resolver


def verdict(url: str, *internal: str) -> str:
    try:
        guard.check_url(url, internal, resolver=resolver)
    except GuardRefused:
        return "block"
    return "allow"


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_row_of_the_attack_file(row: dict[str, str]) -> None:
    assert verdict(row["url"]) == row["expect"]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_row_by_https_is_judged_by_its_address_alone(row: dict[str, str]) -> None:
    # By http nearly all is refused for the scheme: so the address check has to be seen working.
    assert verdict(row["url"].replace("http://", "https://", 1)) == row["expect"]


BLOCKED = [
    "https://half.example/",
    "https://nowhere.example/",
    "https://100.64.0.1/",
    "https://224.0.1.1/",
    "https://[::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[64:ff9b:1::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://0x7f000001/",
    "https://127.0.0.0x1/",
    "https://good.example:65536/",
    "https://good.example:080/",
    "https://good.example:/",
    "https://user@good.example/",
    "https://good.example/\u200b",
    "https://good.example/a b",
    "https://good.example/#fragment",
    "https://-good.example/",
    "https://good..example/",
    "https://good.example./",
    "HTTPS://good.example\t/",
    "https:///good.example/",
    "//good.example/",
    "https://" + "a" * 2000 + ".example/",
    "http://good.example/",
    "",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_url_is_blocked(url: str) -> None:
    assert verdict(url) == "block"


ALLOWED = [
    "https://good.example",
    "https://good.example:8443/mcp?a=b",
    "https://93.184.216.34/mcp",
    "https://[64:ff9b::5db8:d822]/mcp",
    "https://GOOD.example/mcp",
]


@pytest.mark.parametrize("url", ALLOWED)
def test_url_is_allowed(url: str) -> None:
    assert verdict(url) == "allow"


LISTED = [
    ("http://crm.internal:8080/mcp", "crm.internal:8080", "allow"),
    ("http://crm.internal:8081/mcp", "crm.internal:8080", "block"),
    ("https://crm.internal/mcp", "crm.internal:443", "allow"),
    ("http://CRM.internal:8080/mcp", "CRM.Internal:8080", "allow"),
    ("http://127.0.0.1:8931/mcp", "127.0.0.1:8931", "allow"),
    ("http://[::1]:8931/mcp", "[::1]:8931", "allow"),
    ("http://[0:0::0001]:8931/mcp", "[::1]:8931", "allow"),
    ("http://[::1]:8931/mcp", " [0:0:0:0:0:0:0:1]:8931", "allow"),
    ("http://[FD12:3456::A]/mcp", "[fd12:3456:0::a]:80", "allow"),
    ("http://[fd12:3456::a]:8080/mcp", "[fd12:3456::a]:80", "block"),
    ("http://[fd12:3456::a]:80/mcp", "fd12:3456::a:80", "block"),
    ("http://[fd12:3456::a]:80/mcp", "[fd12:3456::a]", "block"),
    ("http://six.internal:80/mcp", "six.internal:80", "allow"),
    # One machine, whichever of the two writes its address.
    ("http://[::ffff:10.1.2.3]:80/mcp", "10.1.2.3:80", "allow"),
    ("http://10.1.2.3:80/mcp", "[::FFFF:A01:203]:80", "allow"),
    ("http://[fe80::1%25eth0]:80/mcp", "[fe80::1%25eth0]:80", "block"),
    ("http://[fe80::1%eth0]:80/mcp", "[fe80::1]:80", "block"),
    ("http://localhost:8931/mcp", "localhost:8931", "allow"),
    ("http://good.example:80/mcp", "good.example:80", "allow"),
    # A listed name may lead inside the network, but not to the platform's own addresses.
    ("http://sly.internal:80/mcp", "sly.internal:80", "block"),
    ("http://169.254.169.254/", "169.254.169.254:80", "allow"),
]


@pytest.mark.parametrize(("url", "listed", "expected"), LISTED)
def test_listed_address(url: str, listed: str, expected: str) -> None:
    assert verdict(url, listed) == expected
    assert verdict(url) == "block"


NOWHERE_BY_NAME = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "100.100.100.200",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2001:0:a9fe:a9fe::1",
    "::a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "::",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fd00:100::100:200",
]


@pytest.mark.parametrize("address", NOWHERE_BY_NAME)
def test_a_listed_name_leads_inside_and_to_no_platforms_address(address: str) -> None:
    def found(*answers: str) -> list[str]:
        return guard.addresses(
            "a.internal", 80, ["a.internal:80"], resolver=lambda host, port: answers
        )

    assert found("fd12:3456::7", "10.1.2.3") == ["fd12:3456::7", "10.1.2.3"]
    with pytest.raises(GuardRefused):
        found("fd12:3456::7", address)


SPELLED = [
    ("https://[2001:DB8:0:0::1]/", "2001:db8::1", "[2001:db8::1]"),
    ("https://[2001:db8::1]:443/", "2001:db8::1", "[2001:db8::1]"),
    ("http://[2001:db8::1]:443/", "2001:db8::1", "[2001:db8::1]:443"),
    ("http://[::ffff:7f00:1]:8080/", "127.0.0.1", "127.0.0.1:8080"),
    ("https://GOOD.example:8443/", "good.example", "good.example:8443"),
]


@pytest.mark.parametrize(("url", "host", "authority"), SPELLED)
def test_a_host_has_one_spelling(url: str, host: str, authority: str) -> None:
    origin = guard.parse_url(url)
    assert (origin.host, origin.authority) == (host, authority)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://[fe80::1%25eth0]/", "An IPv6 address with a zone (%) is never dialled."),
        ("https://[FE80::1%eth0]:8/a", "An IPv6 address with a zone (%) is never dialled."),
        ("http://::1/", "The URL's host or port is not valid; IPv6 is written [2001:db8::1]."),
        ("https://[::g]/", "The URL's host or port is not valid; IPv6 is written [2001:db8::1]."),
        ("https://[1::2::3]/", "The URL's host is not a valid IPv6 address."),
    ],
)
def test_reason_names_what_is_wrong_with_ipv6(url: str, reason: str) -> None:
    with pytest.raises(GuardRefused) as caught:
        guard.check_url(url, ["[fe80::1]:80", "[fe80::1%eth0]:80"], resolver=resolver)
    assert caught.value.reason == reason


@pytest.mark.parametrize("url", ["crm.example.com/mcp", "HTTP://8.8.8.8/", "https:/8.8.8.8", ""])
def test_reason_names_how_a_url_begins(url: str) -> None:
    with pytest.raises(GuardRefused) as caught:
        guard.parse_url(url)
    said = "A URL begins with https:// (or http:// for a listed address), in small letters."
    assert caught.value.reason == said


def test_reason_names_the_address() -> None:
    with pytest.raises(GuardRefused) as caught:
        guard.check_url("https://localtest.me/mcp", (), resolver=resolver)
    assert caught.value.reason == "localtest.me:443 is not a public address, nor is it listed."
    assert caught.value.executed == "no"


def test_system_resolver_answers_numbers() -> None:
    assert guard.resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_name_rebound_after_registration_is_not_dialled() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with faulty(lambda message: http(200)) as upstream:
        url = f"https://rebound.example:{upstream.port}/mcp"

        def changing(host: str, port: int) -> list[str]:
            return next(answers)

        guard.check_url(url, (), resolver=changing)
        client = Connections(resolver=changing)
        with pytest.raises(GuardRefused):
            client.list_tools(upstream.endpoint(url=url, internal_addresses=frozenset()))
        client.close_all()
    assert upstream.connections == 0


def test_endpoint_that_was_never_checked_is_not_dialled(client: Connections) -> None:
    with faulty(lambda message: http(200)) as upstream, pytest.raises(GuardRefused):
        client.list_tools(upstream.endpoint(internal_addresses=frozenset()))
    assert upstream.connections == 0


@pytest.fixture
def secure_upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A fake behind TLS, with a certificate for mcp.test that this process trusts."""
    key, certificate = _certificate("mcp.test")
    file = tmp_path / "mcp.pem"
    file.write_bytes(key + certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    dialling.ssl_context.cache_clear()
    listening = listen()
    upstream = Upstream(listening.getsockname()[1])
    app = application(upstream, hosts=["mcp.test:*"])
    with running(app, listening, ssl_certfile=str(file)):
        yield upstream
    dialling.ssl_context.cache_clear()


def _certificate(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(("name", "works"), [("mcp.test", True), ("other.test", False)])
def test_checked_address_is_dialled_under_the_servers_own_name(
    secure_upstream: Upstream, name: str, works: bool
) -> None:
    client = Connections(resolver=lambda host, port: ["127.0.0.1"])
    address = f"{name}:{secure_upstream.port}"
    endpoint = secure_upstream.endpoint(
        url=f"https://{address}/mcp", internal_addresses=frozenset({address})
    )
    try:
        if works:
            seen = client.call_tool(endpoint, "headers", {})["structuredContent"]
            assert seen["host"] == address
        else:
            with pytest.raises(Unreachable):
                client.list_tools(endpoint)
            assert secure_upstream.requests == []
    finally:
        client.close_all()


def test_certificates_are_loaded_once() -> None:
    assert isinstance(dialling.ssl_context(), ssl.SSLContext)
    assert dialling.ssl_context() is dialling.ssl_context()
