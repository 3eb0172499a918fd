"""Credentials: sealed at rest, resolved at use, no value when unreadable, never in the record."""

import base64
from typing import Any

import pytest
from cryptography.fernet import Fernet

from audit.redact import redact_text
from registry.credentials import environment_of, headers_of, resolve, seal, unseal
from registry.errors import CredentialMissing, CredentialRefused, CredentialUnreadable
from registry.models import Server

SECRET = "s3cr3t-token-of-a-server"


def server_with(kind: str, /, **authentication: Any) -> Server:
    sealed = seal({"authentication": {"type": kind, **authentication}})
    return Server(name="crm", authentication=kind, sealed=sealed)


def test_what_is_sealed_comes_back_and_is_not_readable_before() -> None:
    values = {"authentication": {"type": "bearer", "api_key": SECRET}, "env": {"A": "ü"}}
    sealed = seal(values)
    assert unseal(sealed) == values
    assert SECRET not in sealed
    assert SECRET not in base64.urlsafe_b64decode(sealed).decode("latin-1")


def test_nothing_is_sealed_as_nothing() -> None:
    assert (seal({}), unseal("")) == ("", {})


def test_an_older_key_still_reads_and_the_first_one_writes(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    sealed = seal({"env": {"A": "b"}})
    settings.ENCRYPTION_KEYS = [new, old]
    assert unseal(sealed) == {"env": {"A": "b"}}
    fresh = seal({"env": {"A": "c"}})
    settings.ENCRYPTION_KEYS = [new]
    assert unseal(fresh) == {"env": {"A": "c"}}


@pytest.mark.parametrize("damage", ["other key", "cut", "plain text", "a list"])
def test_what_cannot_be_read_is_an_error_and_never_a_value(settings: Any, damage: str) -> None:
    server = server_with("bearer", api_key=SECRET)
    if damage == "other key":
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    else:
        listed = Fernet(settings.ENCRYPTION_KEYS[0]).encrypt(b"[1]").decode()
        broken = {"cut": server.sealed[:-4], "plain text": SECRET, "a list": listed}
        server.sealed = broken[damage]
    with pytest.raises(CredentialUnreadable) as raised:
        headers_of(server)
    assert raised.value.message.startswith("server crm: a stored credential ")
    assert server.sealed not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "values", "headers"),
    [
        ("none", {"api_key": SECRET}, {}),
        ("bearer", {"api_key": SECRET}, {"Authorization": f"Bearer {SECRET}"}),
        ("bearer", {"api_key": f" {SECRET}\n"}, {"Authorization": f"Bearer {SECRET}"}),
        ("api_key", {"api_key": SECRET}, {"X-API-Key": SECRET}),
        ("api_key", {"api_key": SECRET, "header_name": "X-Key"}, {"X-Key": SECRET}),
        ("header", {"header_name": "X-Auth", "header_value": SECRET}, {"X-Auth": SECRET}),
        (
            "basic",
            {"username": "ada", "password": "lovelace"},
            {"Authorization": "Basic YWRhOmxvdmVsYWNl"},
        ),
    ],
)
def test_the_headers_of_each_kind(kind: str, values: Any, headers: dict[str, str]) -> None:
    assert headers_of(server_with(kind, **values)) == headers


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("bearer", {}, "server crm: api_key is needed for bearer authentication"),
        ("bearer", {"api_key": "  "}, "server crm: api_key is needed for bearer authentication"),
        ("basic", {"username": "a"}, "server crm: password is needed for basic authentication"),
        ("header", {"header_value": SECRET}, "server crm: a custom header needs its header_name"),
        ("header", {"header_name": "X"}, "server crm: header_value is needed for header authenti"),
        (
            "bearer",
            {"api_key": "${OMNI2_T}"},
            "server crm: the environment variable OMNI2_T is not",
        ),
    ],
)
def test_a_missing_credential_is_named(kind: str, values: Any, message: str) -> None:
    with pytest.raises(CredentialMissing) as raised:
        headers_of(server_with(kind, **values))
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", SECRET),
        ("content-length", SECRET),
        ("Mcp-Session-Id", SECRET),
        ("X Key", SECRET),
        ("X-Key:", SECRET),
        ("X-Key", "line\r\nX-Other: 1"),
        ("X-Key", "schlüssel"),
    ],
)
def test_a_header_that_is_not_ours_to_set_is_refused(name: str, value: str) -> None:
    with pytest.raises(CredentialRefused, match="^server crm: ") as raised:
        headers_of(server_with("header", header_name=name, header_value=value))
    assert value not in str(raised.value)


def test_references_are_resolved_at_use_and_not_when_stored(monkeypatch: Any) -> None:
    server = server_with("bearer", api_key="key-${CRM_TOKEN}")
    monkeypatch.setenv("CRM_TOKEN", "one")
    assert headers_of(server) == {"Authorization": "Bearer key-one"}
    monkeypatch.setenv("CRM_TOKEN", "two")
    assert headers_of(server) == {"Authorization": "Bearer key-two"}
    assert unseal(server.sealed)["authentication"]["api_key"] == "key-${CRM_TOKEN}"


def test_references_are_resolved_wherever_they_stand(monkeypatch: Any) -> None:
    monkeypatch.setenv("A", "x")
    monkeypatch.setenv("B", "${A}")
    assert resolve({"k": ["${A}-${A}", 7, None], "l": {"m": "${B}"}, "n": "$A ${}"}) == {
        "k": ["x-x", 7, None],
        "l": {"m": "${A}"},
        "n": "$A ${}",
    }


@pytest.mark.parametrize("name", ["SECRET_KEY", "OMNI2_ENCRYPTION_KEYS", "DATABASE_URL"])
def test_the_gateway_never_sends_its_own_secrets(monkeypatch: Any, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(CredentialRefused, match=f"{name} is a secret of the gateway itself"):
        headers_of(server_with("bearer", api_key=f"${{{name}}}"))


@pytest.mark.parametrize("kind", ["bearer", "basic", "api_key", "header", "env"])
def test_a_credential_once_used_is_taken_out_of_every_text(kind: str) -> None:
    secret = f"value-of-{kind}-4711"
    text = f"the upstream says {secret}"
    assert redact_text(text) == text
    part = {"api_key": secret, "password": secret, "header_value": secret, "header_name": "X-K"}
    server = Server(name="crm", authentication=kind if kind != "env" else "none")
    server.sealed = seal({"authentication": {"username": "ada", **part}, "env": {"K": secret}})
    if kind == "env":
        assert environment_of(server) == {"K": secret}
    else:
        headers_of(server)
    assert secret not in redact_text(text)
