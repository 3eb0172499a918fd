"""To a syslog server that hangs up in between: by TCP, TLS and UDP, as the RFCs have it."""

import ipaddress
import json
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from audit import following, record, seal
from audit.models import Entry
from gateway.models import Outlet
from gateway.outlets import siem, syslog
from tests.fakes import syslog_server
from tests.ipv6 import HERE, SPELLINGS, needs_ipv6

AT = datetime(2026, 11, 26, 12, 0, 0, 5000, tzinfo=UTC)


def numbers(server):
    """The entries that were said, in the order they came; each message in its form."""
    found = [syslog_server.HEADER.fullmatch(one) for one in server.said]
    assert None not in found, server.said
    return [json.loads(one[4])["metadata"]["uid"] for one in found]


@pytest.mark.parametrize(("is_bad", "priority"), [(False, 85), (True, 84)])
def test_a_message_has_the_form_of_rfc_5424(settings, is_bad, priority):
    settings.PUBLIC_URL = "https://omni2.example.com:8443"

    assert syslog.message(b"{}", AT, is_bad=is_bad) == (
        b"<%d>1 2026-11-26T12:00:00.005000Z omni2.example.com omni2 - ocsf - {}" % priority
    )


def test_by_tcp_all_of_it_arrives_through_resets(write, to_siem):
    with syslog_server.serve() as server:
        to_siem(f"syslog+tcp://{server.address}", server.address)
        written = write(3)
        assert siem.forward() == 1
        server.hangs_up = 2
        for count in (400, 2):
            written += write(count)
            siem.forward()
            Outlet.objects.update(rests_until=timezone.now())
        assert following.behind(siem.NAME) > 0, "nobody had hung up"
        siem.forward()

        assert list(dict.fromkeys(numbers(server))) == written
        assert following.behind(siem.NAME) == 0


@needs_ipv6
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_by_tcp_it_arrives_at_an_ipv6_address(write, to_siem, spelling):
    with syslog_server.serve(host=HERE) as server:
        there = f"syslog+tcp://{server.address}".replace("[::1]", spelling)
        to_siem(there, server.address)
        written = write(3)
        assert siem.forward() == 1
        assert numbers(server) == written


def test_a_hostile_text_does_not_begin_another_message(write, to_siem):
    with syslog_server.serve() as server:
        to_siem(f"syslog+tcp://{server.address}", server.address)
        hostile = "x\n<34>1 2026-01-01T00:00:00Z evil omni2 - ocsf - {}\n7 <34>1 - "
        written = write(2, who=record.Who(user_agent=hostile), result=hostile)
        siem.forward()

        assert numbers(server) == written


def test_by_udp_each_is_a_datagram_and_none_too_large(to_siem, db):
    with syslog_server.serve_datagrams() as server:
        to_siem(f"syslog+udp://{server.address}", server.address)
        record.write("auth.login", "ok", detail={"text": "x" * 20_000})
        record.write("auth.login", "ok")
        seal.seal_once()
        siem.forward()
        deadline = time.monotonic() + 5
        while len(server.said) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert numbers(server) == [
        str(pk) for pk in Entry.objects.order_by("id").values_list("pk", flat=True)
    ]
    assert max(map(len, server.said)) <= syslog.LARGEST_DATAGRAM


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 that vouches for itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = datetime.now(UTC)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    pem, format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, format, serialization.NoEncryption()))
    return folder


def test_by_tls_it_arrives_where_the_certificate_is_known_and_nowhere_else(
    write, to_siem, settings, certificate
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with syslog_server.serve(context) as server:
        to_siem(f"syslog+tls://{server.address}", server.address)
        written = write(3)
        assert siem.forward() == 0
        assert "CERTIFICATE_VERIFY_FAILED" in Outlet.objects.get().error
        assert server.said == []

        settings.SIEM_CA_FILE = str(certificate / "cert.pem")
        Outlet.objects.update(rests_until=timezone.now())
        assert siem.forward() == 1
        assert numbers(server) == written
