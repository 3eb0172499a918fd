"""Rotation: all that is sealed gets the newest key, and what no key reads is named, never shown."""

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from audit.models import Entry
from registry.credentials import headers_of, seal, unseal
from registry.models import ConnectedAccount, RegisteredClient, Server

pytestmark = pytest.mark.django_db

SECRET = "the-token-that-is-rotated"


def key() -> str:
    return Fernet.generate_key().decode()


def a_server(name: str, secret: str = SECRET) -> Server:
    sealed = seal({"authentication": {"type": "bearer", "api_key": secret}})
    return Server.objects.create(
        name=name, transport="http", authentication="bearer", sealed=sealed
    )


def rotate() -> list[str]:
    out = StringIO()
    call_command("rotate_credentials", stdout=out)
    return out.getvalue().splitlines()


def test_after_a_rotation_the_old_key_is_needed_no_more(settings: Any) -> None:
    old, new = key(), key()
    settings.ENCRYPTION_KEYS = [old]
    for name in ("crm", "wiki"):
        a_server(name)
    Server.objects.create(name="open", transport="http")

    settings.ENCRYPTION_KEYS = [new, old]
    assert rotate() == ["2 stored credentials are encrypted with the newest key"]

    settings.ENCRYPTION_KEYS = [new]
    found = [headers_of(server) for server in Server.objects.order_by("name")]
    assert found == [
        {"Authorization": f"Bearer {SECRET}"},
        {},
        {"Authorization": f"Bearer {SECRET}"},
    ]


def test_tokens_and_registered_clients_are_rotated_as_well(settings: Any) -> None:
    old, new = key(), key()
    settings.ENCRYPTION_KEYS = [old]
    server = Server.objects.create(name="crm", transport="http", authentication="oauth")
    sealed = seal({"access_token": SECRET})
    rows = [
        ConnectedAccount.objects.create(server=server, person=7, name="dev", sealed=sealed),
        RegisteredClient.objects.create(server=server, sealed=sealed),
    ]
    settings.ENCRYPTION_KEYS = [new, old]
    assert rotate() == ["2 stored credentials are encrypted with the newest key"]
    settings.ENCRYPTION_KEYS = [new]
    for row in rows:
        row.refresh_from_db()
        assert unseal(row.sealed) == {"access_token": SECRET}

    settings.ENCRYPTION_KEYS = [key()]
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("rotate_credentials", stdout=out)
    assert out.getvalue().splitlines()[1:] == [
        "cannot be read: connected account dev at crm",
        "cannot be read: registered client at crm",
    ]


def test_what_cannot_be_read_is_named_and_left_as_it_is(settings: Any) -> None:
    lost, old, new = key(), key(), key()
    settings.ENCRYPTION_KEYS = [lost]
    before = a_server("crm").sealed
    settings.ENCRYPTION_KEYS = [old]
    a_server("wiki")
    settings.ENCRYPTION_KEYS = [new, old]

    out = StringIO()
    with pytest.raises(CommandError, match="OMNI2_ENCRYPTION_KEYS") as raised:
        call_command("rotate_credentials", stdout=out)

    assert raised.value.returncode == 1
    assert out.getvalue().splitlines() == [
        "1 stored credentials are encrypted with the newest key",
        "cannot be read: MCP server crm",
    ]
    assert Server.objects.get(name="crm").sealed == before
    entry = Entry.objects.get()
    assert (entry.kind, entry.outcome, entry.person) == ("admin.changed", "failed", "command line")
    assert entry.detail == {
        "action": "rotate credentials",
        "rewritten": 1,
        "unreadable": ["MCP server crm"],
    }
    assert (SECRET in str(entry.detail), before in out.getvalue()) == (False, False)
