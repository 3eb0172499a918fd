"""Dialling without an event loop: checked, within the time, TLS by name; and given up when told."""

import datetime
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.mcp import guard, sockets
from registry.mcp.client import Connections
from registry.mcp.endpoint import Endpoint
from registry.mcp.errors import Cancelled, GuardRefused, TimedOut, Unreachable, UpstreamError
from registry.mcp.sockets import Watch
from tests.fakes.faulty_upstream import Message, answered, faulty, text_result
from tests.fakes.mcp_server import listen


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that connections reach, on which nobody ever answers."""
    with listen() as found:
        yield found


def endpoint_at(listening: socket.socket, name: str = "127.0.0.1", **changes: object) -> Endpoint:
    address = f"{name}:{listening.getsockname()[1]}"
    settings: dict[str, object] = {
        "url": f"http://{address}/mcp",
        "internal_addresses": frozenset({address}),
        **changes,
    }
    return Endpoint("there", "http", **settings)  # type: ignore[arg-type]


def dialled(
    endpoint: Endpoint, resolver: guard.Resolver = guard.resolve, watch: Watch | None = None
) -> tuple[str, int]:
    """Where a connection to the endpoint leads."""
    watch = watch or Watch(time.monotonic() + 5, None)
    with sockets.dial(endpoint, guard.parse_url(endpoint.url), resolver, watch=watch) as sock:
        host, port, *_ = sock.getpeername()
        return host, port


def failure(*arguments: object) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        dialled(*arguments)  # type: ignore[arg-type]
    return caught.value


def test_the_address_that_was_checked_is_dialled(listening: socket.socket) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    endpoint = endpoint_at(listening, "tools.internal")
    assert dialled(endpoint, resolver) == ("127.0.0.1", listening.getsockname()[1])
    assert asked == ["tools.internal"]


def test_what_the_guard_refuses_is_not_dialled(listening: socket.socket) -> None:
    endpoint = endpoint_at(listening, internal_addresses=frozenset())
    listening.setblocking(False)

    assert type(failure(endpoint)) is GuardRefused
    with pytest.raises(BlockingIOError):
        listening.accept()


def test_of_several_addresses_the_first_that_answers_is_taken(listening: socket.socket) -> None:
    endpoint = endpoint_at(listening, "tools.internal")
    found = dialled(endpoint, lambda host, port: ["127.0.0.9", "127.0.0.1"])
    assert found[0] == "127.0.0.1"


def test_nobody_there_is_said_at_once() -> None:
    with listen() as closed:
        endpoint = endpoint_at(closed)
    error = failure(endpoint)
    assert (type(error), error.executed) == (Unreachable, "no")


@pytest.mark.parametrize(
    ("connect_timeout", "left", "error"), [(0.1, 5.0, Unreachable), (5.0, 0.1, TimedOut)]
)
def test_a_name_that_never_resolves_is_left_behind(
    listening: socket.socket, connect_timeout: float, left: float, error: type
) -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    endpoint, start = endpoint_at(listening, connect_timeout=connect_timeout), time.monotonic()
    found = failure(endpoint, slow, Watch(start + left, None))
    assert (type(found), found.executed) == (error, "no")
    assert time.monotonic() - start < 0.8


def test_dialling_ends_soon_after_nobody_wants_it(listening: socket.socket) -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    start = time.monotonic()
    watch = Watch(start + 5, lambda: time.monotonic() > start + 0.1)
    found = failure(endpoint_at(listening), slow, watch)
    assert (type(found), found.executed) == (Cancelled, "no")
    assert time.monotonic() - start < 0.5


# --- TLS ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `tools.internal` and ::1 that signs itself, and its key."""
    names = [x509.DNSName("tools.internal"), x509.IPAddress(ipaddress.ip_address("::1"))]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tools.internal")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "is_trusted", "reached"),
    [("tools.internal", True, True), ("other.internal", True, False)]
    + [("tools.internal", False, False), ("[::1]", True, True), ("[::2]", True, False)],
)
def test_calls_over_tls_reach_whom_the_certificate_names(
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_trusted: bool,
    reached: bool,
) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=str(certificate) if is_trusted else None)
    client = Connections(resolver=lambda host, port: ["127.0.0.1"])

    def answer(message: Message) -> bytes:
        return answered(message, text_result("fine " * 50_000))

    with faulty(answer, tls=serving) as upstream:
        address = f"{name}:{upstream.port}"
        endpoint = Endpoint(
            "tls", "http", f"https://{address}/mcp", internal_addresses=frozenset({address})
        )
        monkeypatch.setattr("registry.mcp.dialling.ssl_context", lambda: ours)
        if reached:
            results = [client.call_tool(endpoint, "t", {}) for _ in range(3)]
            texts = [result["content"][0]["text"] for result in results]
            assert texts == ["fine " * 50_000] * 3
            # One for finding out how the server is spoken to, one for all calls.
            assert upstream.connections == 2
        else:
            with pytest.raises(Unreachable) as caught:
                client.call_tool(endpoint, "t", {})
            assert (caught.value.executed, upstream.calls) == ("no", [])
        client.close_all()
